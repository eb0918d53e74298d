import * as vscode from 'vscode';
import { Cancelled } from '../ui/failure.ts';
import { plain, type ShownComment } from './comment.ts';
import type { Review, ReviewSession } from './session.ts';
import { type ThreadSpec, threadSpecs } from './thread-specs.ts';
import { fromReviewUri } from './uris.ts';

/** What a thread in the editor stands for. */
export interface ThreadSubject {
  taskId: string;
  path: string;
  about: ThreadSpec['about'];
}

interface Shown {
  thread: vscode.CommentThread;
  spec: ThreadSpec;
}

export type ReviewThreads = ReturnType<typeof createReviewThreads>;

/**
 * Comment threads in the documents of a review. They are made when an editor of a document comes on screen, so a review of thousands
 * of changes has a few of them.
 */
export function createReviewThreads(session: ReviewSession) {
  const controller = vscode.comments.createCommentController(
    'handoff.review',
    vscode.l10n.t('Handoff Review'),
  );
  controller.options = {
    prompt: vscode.l10n.t('Ask or tell the agent'),
    placeHolder: vscode.l10n.t('The agent answers here'),
  };
  const documents = new Map<string, { document: vscode.TextDocument; threads: Map<string, Shown> }>();
  const subjects = new WeakMap<vscode.CommentThread, ThreadSubject>();

  function show(document: vscode.TextDocument): void {
    const place = fromReviewUri(document.uri);
    const review = session.current();
    if (!place || document.isClosed) return;
    const key = document.uri.toString();
    const known = documents.get(key);
    const threads = known?.threads ?? new Map<string, Shown>();
    if (!known) documents.set(key, { document, threads });
    const isReviewed = review?.taskId === place.taskId;
    const specs = isReviewed ? threadSpecs(review, place, document.getText()) : [];
    const wanted = new Map(specs.map((spec) => [spec.key, spec]));
    for (const [name, { thread }] of threads) {
      if (wanted.has(name)) continue;
      thread.dispose();
      threads.delete(name);
    }
    for (const spec of specs) {
      const before = threads.get(spec.key);
      const thread =
        before?.thread ?? controller.createCommentThread(document.uri, rangeOf(spec), spec.comments);
      apply(thread, spec, before?.spec);
      threads.set(spec.key, { thread, spec });
      subjects.set(thread, { taskId: place.taskId, path: place.path, about: spec.about });
    }
  }

  controller.commentingRangeProvider = {
    provideCommentingRanges: (document) => {
      if (!fromReviewUri(document.uri)) return [];
      return [new vscode.Range(0, 0, Math.max(0, document.lineCount - 1), 0)];
    },
  };

  const follow = (_review: Review | undefined): void => {
    for (const { document } of documents.values()) show(document);
  };
  session.events.on('change', follow);
  const look = (editors: readonly vscode.TextEditor[]): void => {
    for (const { document } of editors)
      if (fromReviewUri(document.uri) && !documents.has(document.uri.toString())) show(document);
  };
  look(vscode.window.visibleTextEditors);

  return {
    /** What a thread of ours is about; nothing for one that the person has just begun. */
    subjectOf: (thread: vscode.CommentThread): ThreadSubject | undefined => subjects.get(thread),
    /** Lets the person edit a draft in its place, or shows it as it is known. */
    setEditing(comment: ShownComment, isEditing: boolean): { taskId: string } {
      const all = [...documents.values()].flatMap(({ threads }) => [...threads.values()]);
      const found = all.find(({ spec }) => spec.comments.includes(comment));
      const subject = found && subjects.get(found.thread);
      if (!found || !subject) throw new Cancelled();
      comment.mode = isEditing ? vscode.CommentMode.Editing : vscode.CommentMode.Preview;
      comment.body = isEditing ? comment.text : plain(comment.text);
      found.thread.comments = [...found.spec.comments];
      return subject;
    },
    disposable: vscode.Disposable.from(
      controller,
      vscode.window.onDidChangeVisibleTextEditors(look),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        const closed = documents.get(uri.toString());
        for (const { thread } of closed?.threads.values() ?? []) thread.dispose();
        documents.delete(uri.toString());
      }),
      // A document that was read anew has its changes elsewhere.
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (!document.isDirty && documents.has(document.uri.toString())) show(document);
      }),
      new vscode.Disposable(() => session.events.off('change', follow)),
    ),
  };
}

const rangeOf = ({ start, end }: ThreadSpec): vscode.Range => new vscode.Range(start, 0, end, 0);

/** Changes of a thread what differs, and nothing else: each property is a message to the window. */
function apply(thread: vscode.CommentThread, spec: ThreadSpec, before: ThreadSpec | undefined): void {
  if (before && (before.start !== spec.start || before.end !== spec.end)) thread.range = rangeOf(spec);
  if (before?.label !== spec.label) thread.label = spec.label;
  if (before && JSON.stringify(before.comments) !== JSON.stringify(spec.comments))
    thread.comments = spec.comments;
  if (before?.contextValue === spec.contextValue) return;
  const isDone = spec.contextValue === 'item.accepted' || spec.contextValue === 'talk.resolved';
  thread.contextValue = spec.contextValue;
  thread.state = isDone ? vscode.CommentThreadState.Resolved : vscode.CommentThreadState.Unresolved;
  thread.collapsibleState = isDone
    ? vscode.CommentThreadCollapsibleState.Collapsed
    : vscode.CommentThreadCollapsibleState.Expanded;
}
