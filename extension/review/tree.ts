import * as vscode from 'vscode';
import type { UnitState } from '../../server/protocol/review.ts';
import { draftsOf } from './drafts.ts';
import { countsOf, partsOf } from './outline.ts';
import { itemsOf, keptBy, type ReviewNode, rowsBelow } from './rows.ts';
import type { Review, ReviewSession } from './session.ts';
import { treeItem } from './tree-items.ts';
import { draftWords, progressWords } from './words.ts';

export interface ReviewTreeDeps {
  session: ReviewSession;
  report: (error: unknown) => void;
}

/**
 * The review as folders, files and changes in the order of reading, with a checkbox each: checked is accepted. The badge counts what
 * is not decided.
 */
export function createReviewTree({ session, report }: ReviewTreeDeps) {
  const changed = new vscode.EventEmitter<void>();
  const view = vscode.window.createTreeView<ReviewNode>('handoff.review', {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => {
        const review = session.current();
        return review ? rowsBelow(review.taskId, review.files, node) : [];
      },
      getTreeItem: (node) => {
        const review = session.current();
        return review ? treeItem(review, node) : new vscode.TreeItem('');
      },
    },
    manageCheckboxStateManually: true,
    showCollapseAll: true,
    canSelectMany: true,
  });
  const status = vscode.window.createStatusBarItem('handoff.review', vscode.StatusBarAlignment.Left, 10);
  status.name = vscode.l10n.t('Handoff Review');
  status.command = 'handoff.review.focus';

  function show(review: Review | undefined): void {
    const counts = countsOf(review?.files ?? []);
    const open = counts.total - counts.accepted - counts.rejected;
    const drafts = draftsOf(review?.threads ?? []).length;
    const words = [progressWords(counts), ...(drafts > 0 ? [draftWords(drafts)] : [])].join(' · ');
    view.description = review ? `${words} · ${review.title}` : '';
    view.badge =
      open === 0 ? undefined : { value: open, tooltip: vscode.l10n.t('{0} not decided yet', open) };
    status.text = `$(checklist) ${words}`;
    status.tooltip = review?.title;
    status.accessibilityInformation = { label: vscode.l10n.t('Review: {0}', words) };
    if (review) status.show();
    else status.hide();
    setContexts(review, counts.accepted, drafts);
    changed.fire();
  }

  view.onDidChangeCheckboxState(async ({ items }) => {
    const review = session.current();
    if (!review) return;
    try {
      for (const [box, state] of CHECKED) {
        const rows = items.flatMap(([node, checked]) => (checked === box ? [node] : []));
        const itemsOfRow = state === 'accepted' ? keptBy : itemsOf;
        const parts = partsOf(rows.flatMap((node) => itemsOfRow(review.files, node)));
        if (parts.length > 0) await session.setState(review.taskId, parts, state);
        // A box of which nothing can be accepted is shown as it was.
        else if (rows.length > 0) changed.fire();
      }
    } catch (error) {
      report(error);
    }
  });
  session.events.on('change', show);
  return {
    selection: (): readonly ReviewNode[] => view.selection,
    disposable: vscode.Disposable.from(view, changed, status),
  };
}

const CHECKED: readonly [vscode.TreeItemCheckboxState, UnitState][] = [
  [vscode.TreeItemCheckboxState.Checked, 'accepted'],
  [vscode.TreeItemCheckboxState.Unchecked, 'pending'],
];

/** What buttons and keys depend on. */
function setContexts(review: Review | undefined, accepted: number, drafts: number): void {
  const set = (name: string, value: unknown) =>
    void vscode.commands.executeCommand('setContext', `handoff.${name}`, value);
  set('reviewing', review !== undefined);
  set('accepted', accepted > 0);
  set('hasDrafts', drafts > 0);
  const kept = (review?.files ?? []).filter(({ items }) => items.every(({ state }) => state === 'accepted'));
  // What `resourcePath` is of a document with our scheme.
  set(
    'acceptedPaths',
    kept.map(({ file }) => `/${file.path}`),
  );
}
