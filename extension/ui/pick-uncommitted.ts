import * as vscode from 'vscode';
import type { CapturePreview } from '../../server/protocol/capture.ts';
import type { UncommittedFile, UncommittedKind } from '../../server/protocol/capture-work.ts';
import type { SecretKind } from '../../server/protocol/secret-files.ts';
import type { PreviewMode } from '../git/capture-choice.ts';
import { fileCount, fileSize } from './counts.ts';
import { Cancelled } from './failure.ts';

interface FileItem extends vscode.QuickPickItem {
  file?: UncommittedFile;
}

export interface PickUncommitted {
  /** The repository's. */
  name: string;
  preview: CapturePreview;
  isTicked: (file: UncommittedFile) => boolean;
  mode: PreviewMode;
  onMode: (mode: PreviewMode) => Promise<void>;
}

/**
 * Shows what is about to be sent, to tick and untick by keyboard or mouse. Two buttons say when it is to be shown.
 * @returns the paths that are ticked
 * @throws {Cancelled} where the person turns away
 */
export function pickUncommitted({
  name,
  preview,
  isTicked,
  mode,
  onMode,
}: PickUncommitted): Promise<Set<string>> {
  const pick = vscode.window.createQuickPick<FileItem>();
  const items = preview.files.map(itemOf);
  const always: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('eye'),
    tooltip: vscode.l10n.t('Show this before every task'),
  };
  const never: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('eye-closed'),
    tooltip: vscode.l10n.t(
      'Never show this by itself: what looks like a secret stays here unless ticked before',
    ),
  };
  const secrets: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('key'),
    tooltip: vscode.l10n.t('Show this only where something new looks like a secret'),
  };
  const buttons = new Map<vscode.QuickInputButton, PreviewMode>([
    [always, 'always'],
    [secrets, 'secrets'],
    [never, 'never'],
  ]);
  const showMode = (current: PreviewMode): void => {
    pick.buttons = [...buttons].filter(([, other]) => other !== current).map(([button]) => button);
  };
  const showTotal = (chosen: readonly FileItem[]): void => {
    const files = chosen.flatMap(({ file }) => file ?? []);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    pick.title = vscode.l10n.t('{0}: {1} travel ({2})', name, fileCount(files.length), fileSize(bytes));
  };
  pick.canSelectMany = true;
  pick.matchOnDescription = true;
  pick.ignoreFocusOut = true;
  pick.placeholder =
    items.length === 0
      ? vscode.l10n.t('Everything is committed: the task starts from the commit.')
      : vscode.l10n.t('What the task starts from besides the commit. Untick what is to stay here.');
  pick.items = [...items, ...preview.nested.map(nestedItem)];
  pick.selectedItems = items.filter(({ file }) => file !== undefined && isTicked(file));
  showMode(mode);
  showTotal(pick.selectedItems);
  return new Promise((resolve, reject) => {
    pick.onDidChangeSelection(showTotal);
    pick.onDidTriggerButton((button) => {
      const chosen = buttons.get(button);
      if (chosen === undefined) return;
      showMode(chosen);
      onMode(chosen).catch(reject);
    });
    pick.onDidAccept(() => {
      resolve(new Set(pick.selectedItems.flatMap(({ file }) => file?.path ?? [])));
      pick.hide();
    });
    pick.onDidHide(() => {
      pick.dispose();
      reject(new Cancelled());
    });
    pick.show();
  });
}

function itemOf(file: UncommittedFile): FileItem {
  const { path, from, kind, bytes, secret, isConflicted } = file;
  const size = kind === 'deleted' || kind === 'submodule' ? [] : [fileSize(bytes)];
  const moved = from === undefined ? [] : [vscode.l10n.t('from {0}', from)];
  const conflict = isConflicted ? [vscode.l10n.t('with its merge conflict, as it is on disk')] : [];
  return {
    label: path,
    description: [KINDS[kind](), ...moved, ...size, ...conflict].join(' \u00b7 '),
    ...(secret === undefined ? {} : { detail: `$(key) ${SECRETS[secret]()}` }),
    file,
  };
}

const nestedItem = (path: string): FileItem => ({
  label: vscode.l10n.t('{0} is a repository of its own, and stays here', path),
  kind: vscode.QuickPickItemKind.Separator,
});

const KINDS: { [Kind in UncommittedKind]: () => string } = {
  staged: () => vscode.l10n.t('staged'),
  unstaged: () => vscode.l10n.t('changed'),
  untracked: () => vscode.l10n.t('new'),
  deleted: () => vscode.l10n.t('deleted'),
  renamed: () => vscode.l10n.t('renamed'),
  submodule: () => vscode.l10n.t('submodule: its commit, not its files'),
};

const SECRETS: { [Kind in SecretKind]: () => string } = {
  environment: () => vscode.l10n.t('Looks like settings of an environment, with secrets in it'),
  key: () => vscode.l10n.t('Looks like a private key'),
  credentials: () => vscode.l10n.t('Looks like credentials'),
  token: () => vscode.l10n.t('Has something in it that looks like a token'),
};
