import * as vscode from 'vscode';
import type { Selection } from '../../server/protocol/commands.ts';
import type { App } from '../app.ts';
import { delegateTask } from '../git/delegate-task.ts';
import { pathIn, type Repository } from '../git/repositories.ts';
import { fileCount } from '../ui/counts.ts';
import { Cancelled } from '../ui/failure.ts';

/** A task that starts at once, for keybindings and other extensions. */
export interface DelegateArguments {
  prompt: string;
  /** Files and folders that it is about. */
  uris?: vscode.Uri[];
  /** What to do about unsaved documents of the repository; asked where absent. */
  unsaved?: 'save' | 'skip';
  /** Uncommitted files that travel although they look as if they held secrets, as the repository names them. Nothing is asked. */
  include?: string[];
}

/**
 * `handoff.delegate`: what was clicked becomes chips in the composer, where the person types the task.
 * From the explorer it gets the row and all selected rows; from an editor its document, and then the selected lines count.
 * @returns the task's id where it was called with a prompt, else the chips
 */
export function delegate(app: App) {
  return async (
    target?: vscode.Uri | DelegateArguments,
    others?: unknown,
  ): Promise<{ taskId: string } | { selection: Selection[] }> => {
    if (target !== undefined && 'prompt' in target) {
      const { prompt, uris = [], unsaved, include = [] } = target;
      const selection = await chips(app, uris);
      const repository = await app.repositories.pick();
      const taskId = await startTask(app, {
        repository,
        prompt,
        selection,
        include,
        ...(unsaved ? { unsaved } : {}),
      });
      await Promise.all([app.chat.reveal(), app.panel.showTask(taskId)]);
      return { taskId };
    }
    const selection = await pointedAt(app, target, others);
    await app.repositories.pick();
    app.panel.attach(selection);
    await app.chat.reveal();
    return { selection };
  };
}

/** Captures, creates; resolves with the task's id. */
export async function startTask(
  app: App,
  work: {
    repository: Repository;
    prompt: string;
    selection: Selection[];
    clientId?: string;
    mode?: 'plan';
    unsaved?: 'save' | 'skip';
    /** Given: the person is not asked what of the uncommitted work travels. */
    include?: readonly string[];
  },
): Promise<string> {
  await settleUnsaved(work.repository, work.unsaved);
  const choice = work.include === undefined ? await app.uncommitted.choose(work.repository) : {};
  const client = await app.connection.client();
  const state = app.connection.state();
  const url = state.kind === 'connected' ? state.url : '';
  const model = vscode.workspace.getConfiguration('handoff').get<string>('model') ?? '';
  const { taskId } = await delegateTask({ client, log: app.log }, { ...work, ...choice, model }, url);
  return taskId;
}

async function pointedAt(app: App, uri: vscode.Uri | undefined, others: unknown): Promise<Selection[]> {
  if (Array.isArray(others))
    return chips(
      app,
      others.filter((other) => other instanceof vscode.Uri),
    );
  const editor = vscode.window.activeTextEditor;
  const document = uri ?? editor?.document.uri;
  if (document?.scheme !== 'file') return [];
  const selection = await chips(app, [document]);
  // A click on an editor's tab comes with its place in the group, and means the whole file.
  const wholeFile = others !== undefined;
  if (wholeFile || editor?.document.uri.toString() !== document.toString() || editor.selection.isEmpty)
    return selection;
  const { start, end } = editor.selection;
  const lastLine = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return selection.map(({ path }) => ({ path, startLine: start.line + 1, endLine: lastLine + 1 }));
}

/** Files as the repository names them. The first one says which repository; those of another are left out. */
async function chips(app: App, uris: vscode.Uri[]): Promise<Selection[]> {
  const files = uris.filter(({ scheme }) => scheme === 'file');
  if (files[0] === undefined) return [];
  const repository = await app.repositories.of(files[0]);
  const paths = await Promise.all(files.map((file) => pathIn(repository, file)));
  return paths.filter((path) => path !== '' && !path.startsWith('../')).map((path) => ({ path }));
}

/** The task gets what is on disk. Nothing is saved unless the person says so. */
async function settleUnsaved(repository: Repository, answer: 'save' | 'skip' | undefined): Promise<void> {
  const dirty: vscode.TextDocument[] = [];
  for (const document of vscode.workspace.textDocuments) {
    if (!document.isDirty || document.uri.scheme !== 'file') continue;
    if (!(await pathIn(repository, document.uri)).startsWith('../')) dirty.push(document);
  }
  if (dirty.length === 0 || answer === 'skip') return;
  const save = vscode.l10n.t('Save and Delegate');
  const skip = vscode.l10n.t('Delegate Without Them');
  const chosen =
    answer === 'save'
      ? save
      : await vscode.window.showWarningMessage(
          vscode.l10n.t('{0} with unsaved changes, which the agent would not see.', fileCount(dirty.length)),
          save,
          skip,
        );
  if (chosen === undefined) throw new Cancelled('The delegation was cancelled.');
  if (chosen === save) for (const document of dirty) await document.save();
}
