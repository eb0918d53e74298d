import * as vscode from 'vscode';
import type { FileChange } from '../../server/protocol/review.ts';
import { fileCount } from '../ui/counts.ts';
import { fileState } from './decisions.ts';
import type { Review, ReviewSession } from './session.ts';

/** A row of the review: what its commands get. */
export interface ReviewNode {
  taskId: string;
  path: string;
}

export interface ReviewTreeDeps {
  session: ReviewSession;
  report: (error: unknown) => void;
}

/** The files of the review, with a checkbox each: checked is accepted. The badge counts those that are not. */
export function createReviewTree({ session, report }: ReviewTreeDeps): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const view = vscode.window.createTreeView<ReviewNode>('handoff.review', {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => {
        const review = session.current();
        if (node || !review) return [];
        return review.changes.files.map(({ path }) => ({ taskId: review.taskId, path }));
      },
      getTreeItem: ({ path }) => {
        const review = session.current();
        const file = review?.changes.files.find((candidate) => candidate.path === path);
        return review && file ? itemOf(review, file) : new vscode.TreeItem(path);
      },
    },
    manageCheckboxStateManually: true,
  });

  function show(review: Review | undefined): void {
    const accepted = review ? wholeFiles(review) : [];
    const total = review?.changes.files.length ?? 0;
    const open = total - accepted.length;
    view.description = review?.title ?? '';
    view.badge =
      open === 0
        ? undefined
        : { value: open, tooltip: vscode.l10n.t('{0} not accepted yet', fileCount(open)) };
    void vscode.commands.executeCommand('setContext', 'handoff.reviewing', review !== undefined);
    void vscode.commands.executeCommand('setContext', 'handoff.accepted', accepted.length > 0);
    // What `resourcePath` is of a document with our scheme.
    void vscode.commands.executeCommand(
      'setContext',
      'handoff.acceptedPaths',
      accepted.map((path) => `/${path}`),
    );
    changed.fire();
  }

  view.onDidChangeCheckboxState(async ({ items }) => {
    const taskId = items[0]?.[0].taskId;
    if (taskId === undefined) return;
    const checked = (state: vscode.TreeItemCheckboxState) =>
      items.filter((item) => item[1] === state).map(([node]) => node.path);
    const yes = checked(vscode.TreeItemCheckboxState.Checked);
    const no = checked(vscode.TreeItemCheckboxState.Unchecked);
    try {
      if (yes.length > 0) await session.setAccepted(taskId, yes, true);
      if (no.length > 0) await session.setAccepted(taskId, no, false);
    } catch (error) {
      report(error);
    }
  });
  session.events.on('change', show);
  return vscode.Disposable.from(view, changed);
}

function wholeFiles({ changes, decided }: Review): string[] {
  return changes.files.filter((file) => fileState(decided, file) === 'accepted').map(({ path }) => path);
}

function itemOf({ taskId, decided }: Review, file: FileChange): vscode.TreeItem {
  const { path, status, binary, additions, deletions } = file;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const folder = path.slice(0, path.length - name.length - 1);
  const isAccepted = fileState(decided, file) === 'accepted';
  const counts = binary ? vscode.l10n.t('binary') : `+${additions} −${deletions}`;
  const item = new vscode.TreeItem(name);
  item.id = `${taskId}:${path}`;
  // Icon and colours of the file; a scheme of our own, so that no provider takes it for the person's file.
  item.resourceUri = vscode.Uri.from({ scheme: 'handoff-file', path: `/${path}` });
  item.description = [folder, statusWord(status), counts].filter(Boolean).join(' · ');
  item.tooltip = path;
  item.contextValue = isAccepted ? 'file.accepted' : 'file';
  item.checkboxState = {
    state: isAccepted ? vscode.TreeItemCheckboxState.Checked : vscode.TreeItemCheckboxState.Unchecked,
    tooltip: isAccepted ? vscode.l10n.t('Accepted') : vscode.l10n.t('Accept this file'),
    accessibilityInformation: { label: vscode.l10n.t('Accept {0}', path), role: 'checkbox' },
  };
  item.accessibilityInformation = {
    label: vscode.l10n.t(
      '{0}, {1}, {2} lines added, {3} removed, {4}',
      path,
      statusWord(status),
      additions,
      deletions,
      isAccepted ? vscode.l10n.t('accepted') : vscode.l10n.t('not accepted'),
    ),
  };
  item.command = {
    command: 'handoff.reviewChanges',
    title: vscode.l10n.t('Review Changes'),
    arguments: [{ taskId, path }],
  };
  return item;
}

function statusWord(status: FileChange['status']): string {
  const words = {
    added: vscode.l10n.t('added'),
    modified: vscode.l10n.t('modified'),
    deleted: vscode.l10n.t('deleted'),
    'type-changed': vscode.l10n.t('type changed'),
  };
  return words[status];
}
