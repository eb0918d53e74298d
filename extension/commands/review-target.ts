import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { ReviewFile, ReviewItem } from '../review/outline.ts';
import { fileAt, itemAt, itemsIn, type LineChange } from '../review/placing.ts';
import { itemsOf, keptBy, type ReviewNode } from '../review/rows.ts';
import type { Review } from '../review/session.ts';
import { fromReviewUri } from '../review/uris.ts';
import { ExpectedError } from '../ui/failure.ts';

/**
 * What a command about changes may be called with: rows of the review, a change's thread, the person's
 * own file (with what differs there, and which of it), the rows that are selected, or nothing, which is the cursor.
 */
export type ReviewTarget = ReviewNode | { kind: 'selection' } | vscode.CommentThread | vscode.Uri | undefined;

export interface Targeted {
  review: Review;
  items: ReviewItem[];
  /** What keeping them accepts, where that is not all of them. */
  kept?: ReviewItem[];
}

/** The changes that a command is about. */
export async function targetOf(
  app: App,
  target: ReviewTarget,
  more: readonly (ReviewNode | LineChange)[] = [],
  index = 0,
): Promise<Targeted> {
  if (target instanceof vscode.Uri) return inOwnFile(app, target, more[index]);
  if (target && 'kind' in target && target.kind === 'selection') {
    const [first, ...others] = app.reviewEditor.selection();
    if (first) return targetOf(app, first, [first, ...others]);
    throw new ExpectedError(
      'bad_request',
      vscode.l10n.t('No row of the review is selected.'),
      vscode.l10n.t('Select a file or a change in the "Review" view first.'),
    );
  }
  if (target && 'kind' in target) {
    const review = await app.review.of(target.taskId);
    const nodes = more.includes(target) ? more.filter((node) => 'kind' in node) : [target];
    const items = nodes.flatMap((node) => itemsOf(review.files, node));
    return { review, items, kept: nodes.flatMap((node) => keptBy(review.files, node)) };
  }
  const subject = target && 'range' in target ? app.reviewEditor.subjectOf(target) : undefined;
  if (subject && 'item' in subject.about) {
    return { review: await app.review.of(subject.taskId), items: [subject.about.item] };
  }
  const { review, item } = await changeAtCursor(app);
  return { review, items: [item] };
}

/** The changes of the proposal that a mark in the gutter of the person's own file stands for. */
async function inOwnFile(
  app: App,
  uri: vscode.Uri,
  change: ReviewNode | LineChange | undefined,
): Promise<Targeted> {
  const file = app.reviewEditor.fileOf(uri);
  if (file && change && 'originalStartLineNumber' in change) {
    const review = await app.review.of(file.taskId);
    const shown = fileAt(review, file.path);
    const items = shown ? itemsIn(review, shown, change) : [];
    if (items.length > 0) return { review, items };
  }
  throw new ExpectedError(
    'bad_request',
    vscode.l10n.t('The review has no change here any more.'),
    vscode.l10n.t('Open the review to see what is proposed.'),
  );
}

/** The change at the cursor of the editor that the person is in. */
export async function changeAtCursor(
  app: App,
): Promise<{ review: Review; shown: ReviewFile; item: ReviewItem }> {
  const editor = vscode.window.activeTextEditor;
  const document = editor && fromReviewUri(editor.document.uri);
  if (editor && document) {
    const review = await app.review.of(document.taskId);
    const shown = fileAt(review, document.path);
    const item = shown && itemAt(review, shown, document.side, editor.selection.active.line);
    if (item) return { review, shown, item };
  }
  throw new ExpectedError(
    'bad_request',
    vscode.l10n.t('The cursor is in no change of a review.'),
    vscode.l10n.t('Click into one in the review, or go to it with "Next Change".'),
  );
}
