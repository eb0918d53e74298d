import * as vscode from 'vscode';
import type { CommentPlace } from '../../server/protocol/comments.ts';
import type { App } from '../app.ts';
import type { ShownComment } from '../review/comment.ts';
import type { Where } from '../review/conversation.ts';
import { draftsOf } from '../review/drafts.ts';
import { placedItems } from '../review/placing.ts';
import { fromReviewUri } from '../review/uris.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { reviewedTask } from './accepted-tree.ts';
import { changeAtCursor } from './review-target.ts';
import type { TaskArgument } from './task-argument.ts';

/** The most of the lines themselves that a comment carries, in characters. */
const MAX_SNIPPET = 20_000;

/**
 * `handoff.addComment` (a draft) and `handoff.askAgent` (submitted at once, with all drafts): what the person wrote below a thread. From
 * the keyboard it is asked for, about the change at the cursor.
 */
export function comment({ isNow }: { isNow: boolean }) {
  return (app: App) =>
    async (reply?: vscode.CommentReply): Promise<void> => {
      const { taskId, where, text, thread } = reply?.thread
        ? { ...(await placeOf(app, reply.thread)), text: reply.text, thread: reply.thread }
        : { ...(await askAtCursor(app, isNow)), thread: undefined };
      if (text.trim() === '') throw new Cancelled();
      const others = await app.reviewEditor.conversation.say(taskId, where, text, { isNow });
      // A thread of the editor's own makes room for the one that is now known.
      if (thread && !app.reviewEditor.subjectOf(thread)) thread.dispose();
      if (others > 0)
        void vscode.window.showInformationMessage(vscode.l10n.t('Submitted together with {0} more.', others));
    };
}

/** `handoff.submitReview`: all drafts as one message to the agent. */
export function submitReview(app: App) {
  return async (argument?: TaskArgument): Promise<void> => {
    const taskId = await reviewedTask(app, argument);
    const drafts = draftsOf((await app.review.of(taskId)).threads);
    if (drafts.length === 0) {
      throw new ExpectedError(
        'bad_request',
        vscode.l10n.t('There is no comment to submit.'),
        vscode.l10n.t('Write one beside a line of the review first.'),
      );
    }
    const text = await vscode.window.showInputBox({
      title: vscode.l10n.t('Submit Review'),
      prompt:
        drafts.length === 1
          ? vscode.l10n.t('One comment goes to the agent. Anything to say above it?')
          : vscode.l10n.t('{0} comments go to the agent. Anything to say above them?', drafts.length),
      placeHolder: vscode.l10n.t('Optional'),
    });
    if (text === undefined) throw new Cancelled();
    await app.reviewEditor.conversation.submit(taskId, text);
  };
}

/** `handoff.resolveThread`, `handoff.reopenThread` */
export function resolveThread(isResolved: boolean) {
  return (app: App) =>
    async (thread: vscode.CommentThread): Promise<void> => {
      const subject = app.reviewEditor.subjectOf(thread);
      if (subject && 'threadId' in subject.about)
        await app.reviewEditor.conversation.resolve(subject.taskId, subject.about.threadId, isResolved);
    };
}

/** Where a thread of the editor is to the relay: one that it knows, or lines. */
async function placeOf(app: App, thread: vscode.CommentThread): Promise<{ taskId: string; where: Where }> {
  const subject = app.reviewEditor.subjectOf(thread);
  const document = fromReviewUri(thread.uri);
  const taskId = subject?.taskId ?? document?.taskId;
  if (taskId === undefined || !document) throw new Cancelled();
  if (subject && 'threadId' in subject.about) return { taskId, where: { threadId: subject.about.threadId } };
  const review = await app.review.of(taskId);
  const hash = subject && 'item' in subject.about ? subject.about.item.hash : undefined;
  const known = review.threads.find(({ place }) => place.path === document.path && place.hash === hash);
  if (hash !== undefined && known) return { taskId, where: { threadId: known.threadId } };
  const text = await vscode.workspace.openTextDocument(thread.uri);
  const range = thread.range ?? new vscode.Range(0, 0, 0, 0);
  return {
    taskId,
    where: {
      place: linesOf(text, document, range.start.line, range.end.line, review.changes.revision, hash),
    },
  };
}

async function askAtCursor(
  app: App,
  isNow: boolean,
): Promise<{ taskId: string; where: Where; text: string }> {
  const { review, shown, item } = await changeAtCursor(app);
  const editor = vscode.window.activeTextEditor;
  const document = editor && fromReviewUri(editor.document.uri);
  if (!document) throw new Cancelled();
  const text = await vscode.window.showInputBox({
    title: isNow ? vscode.l10n.t('Ask Agent') : vscode.l10n.t('Add Comment'),
    prompt: item.hunk?.reason ?? shown.file.path,
  });
  if (text === undefined) throw new Cancelled();
  const known = review.threads.find(
    ({ place }) => place.path === shown.file.path && place.hash === item.hash,
  );
  if (known) return { taskId: review.taskId, where: { threadId: known.threadId }, text };
  const place = placedItems(review, shown).find(([placed]) => placed.hash === item.hash)?.[1];
  const start = document.side === 'base' || !place ? editor.selection.active.line : place.start;
  const end = document.side === 'base' || !place ? start : start + Math.max(place.lines, 1) - 1;
  return {
    taskId: review.taskId,
    where: {
      place: linesOf(editor.document, document, start, end, review.changes.revision, item.hash),
    },
    text,
  };
}

function linesOf(
  text: vscode.TextDocument,
  { path, side }: { path: string; side: CommentPlace['side'] },
  start: number,
  end: number,
  revision: number,
  hash: string | undefined,
): CommentPlace {
  const last = Math.min(end, text.lineCount - 1);
  const lines = text.getText(new vscode.Range(start, 0, last, text.lineAt(last).text.length));
  return {
    path,
    side,
    startLine: start + 1,
    endLine: last + 1,
    revision,
    snippet: lines.slice(0, MAX_SNIPPET),
    ...(hash === undefined ? {} : { hash }),
  };
}

/** `handoff.editComment`, `handoff.saveComment`, `handoff.cancelComment`, `handoff.deleteComment`: of a draft, in its place. */
export const draftCommands = {
  edit: (app: App) => async (comment: ShownComment) => app.reviewEditor.setEditing(comment, true),
  cancel: (app: App) => async (comment: ShownComment) => app.reviewEditor.setEditing(comment, false),
  save: (app: App) => async (comment: ShownComment) => {
    const text = typeof comment.body === 'string' ? comment.body : comment.body.value;
    const { taskId } = app.reviewEditor.setEditing(comment, false);
    await app.reviewEditor.conversation.edit(taskId, comment.commentId, text);
  },
  remove: (app: App) => async (comment: ShownComment) => {
    const { taskId } = app.reviewEditor.setEditing(comment, false);
    await app.reviewEditor.conversation.remove(taskId, comment.commentId);
  },
};
