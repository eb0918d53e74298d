import * as vscode from 'vscode';
import type { FileChange } from '../../server/protocol/review.ts';
import type { Review } from './session.ts';
import { type ReviewDocument, toReviewUri } from './uris.ts';

const TITLE_PREFIX = 'Handoff: ';

/** The API does not tell what a multi-diff tab shows; that it is none of the known kinds, and its title, are ours to go by. */
function isReviewTab({ label, input }: vscode.Tab): boolean {
  const known =
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputTextDiff ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputWebview ||
    input instanceof vscode.TabInputNotebook ||
    input instanceof vscode.TabInputNotebookDiff ||
    input instanceof vscode.TabInputTerminal;
  return label.startsWith(TITLE_PREFIX) && !known;
}

/** Keeps the context `handoff.reviewActive`: the review's multi-diff is what the person looks at. */
export function trackReviewTab(): vscode.Disposable {
  let active = false;
  const update = () => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    const now = tab !== undefined && isReviewTab(tab);
    if (now === active) return;
    active = now;
    void vscode.commands.executeCommand('setContext', 'handoff.reviewActive', active);
  };
  const { tabGroups } = vscode.window;
  return vscode.Disposable.from(tabGroups.onDidChangeTabs(update), tabGroups.onDidChangeTabGroups(update));
}

/** Opens all files of the proposal in one multi-diff editor; a tab of an earlier revision makes room for it. */
export async function openMultiDiff(review: Review): Promise<void> {
  const title = `${TITLE_PREFIX}${review.title}`;
  // The editor adds the number of files to the title.
  const stale = vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter((tab) => isReviewTab(tab) && tab.label.startsWith(title));
  if (stale.length > 0) await vscode.window.tabGroups.close(stale, true);
  const resources = review.changes.files.map((file) => {
    const { base, proposal } = sides(review.taskId, file);
    return [base ?? proposal, base, proposal];
  });
  await vscode.commands.executeCommand('vscode.changes', title, resources);
  // Else the diff of one file, opened from the tree, would take its place.
  await vscode.commands.executeCommand('workbench.action.keepEditor');
}

/** Opens one file of the proposal: a diff, or the one side that there is. */
export async function openFileDiff(review: Review, file: FileChange): Promise<void> {
  const { base, proposal } = sides(review.taskId, file);
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  if (base && proposal) {
    await vscode.commands.executeCommand(
      'vscode.diff',
      base,
      proposal,
      vscode.l10n.t('{0} (proposed)', name),
    );
  } else {
    await vscode.commands.executeCommand('vscode.open', base ?? proposal);
  }
}

function sides(taskId: string, { path, oldOid, newOid }: FileChange) {
  const uri = (side: ReviewDocument['side'], oid: string | null) =>
    oid === null ? undefined : vscode.Uri.from(toReviewUri({ taskId, side, path, oid }));
  return { base: uri('base', oldOid), proposal: uri('proposal', newOid) };
}
