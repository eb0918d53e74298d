import { type Handlers, notice } from './items.ts';
import { withDecisions } from './ledger.ts';
import type { ReviewComment, ReviewThread, TaskState, Turn } from './task.ts';

/** Paths that a notice names. */
const NAMED = 20;

/** What events about a proposal, and what people make of it, mean. Part of `reduce`. */
export const reviewHandlers: Handlers<
  | 'proposal.changed'
  | 'workspace.set'
  | 'review.decided'
  | 'review.told'
  | 'changes.described'
  | 'comment.written'
  | 'comment.edited'
  | 'comment.removed'
  | 'comments.submitted'
  | 'message.withdrawn'
  | 'thread.resolved'
  | 'task.rolled_back'
  | 'base.updated'
> = {
  'proposal.changed': (state, { revision, baseTree, headTree, files, by }) => {
    const changed = { ...state, proposal: { revision, baseTree, headTree, files } };
    // The agent's work is what its workspace holds.
    return by === undefined ? holding(changed, headTree) : changed;
  },
  'workspace.set': (state, { headTree, conflicts = [], at }) => {
    const held = holding(state, headTree);
    return conflicts.length === 0 ? held : notice(held, 'warning', unmergedText(conflicts), at);
  },
  'review.decided': (state, { revision, decisions, acceptedTree }) => ({
    ...state,
    review: { revision, acceptedTree, files: withDecisions(state.review?.files ?? [], decisions) },
  }),
  'review.told': (state) => state,
  'changes.described': (state, { title, body }) => ({ ...state, description: { title, body } }),

  'comment.written': (state, { commentId, threadId, author, text, place, isDraft, turnId, at }) => {
    const wrote = turnId === undefined ? {} : { turnId };
    const comment: ReviewComment = { commentId, author, text, isDraft, ...wrote, at };
    const known = state.threads.some((thread) => thread.threadId === threadId);
    if (known) {
      return inThread(state, threadId, (thread) => ({
        // Whoever goes on talking is not done with it.
        ...(author === 'person' ? open(thread) : thread),
        comments: [...thread.comments, comment],
      }));
    }
    if (place === undefined) return state;
    const thread: ReviewThread = { threadId, place, isResolved: false, comments: [comment] };
    return { ...state, threads: [...state.threads, thread] };
  },
  'comment.edited': (state, { commentId, text }) =>
    inComments(state, (comment) => (comment.commentId === commentId ? { ...comment, text } : comment)),
  'comment.removed': (state, { commentId }) => ({
    ...state,
    threads: state.threads
      .map((thread) => ({
        ...thread,
        comments: thread.comments.filter((comment) => comment.commentId !== commentId),
      }))
      .filter(({ comments }) => comments.length > 0),
  }),
  'comments.submitted': (state, { commentIds, messageId }) => {
    const submitted = new Set(commentIds);
    return inComments(state, (comment) =>
      submitted.has(comment.commentId) ? { ...comment, isDraft: false, messageId } : comment,
    );
  },
  'message.withdrawn': (state, { messageId }) => ({
    // A review that nobody has read is a draft again.
    ...inComments(state, draftAgain(new Set([messageId]))),
    queue: state.queue.filter((queued) => queued.messageId !== messageId),
  }),
  'thread.resolved': (state, { threadId, isResolved, turnId }) =>
    inThread(state, threadId, (thread) => {
      if (thread.isResolved === isResolved) return thread;
      const by = isResolved && turnId !== undefined ? { resolvedIn: turnId } : {};
      return { ...open(thread), isResolved, ...by };
    }),

  'task.rolled_back': (state, { turnId }) => {
    const index = state.turns.findIndex((turn) => turn.turnId === turnId);
    const turns = index === -1 ? state.turns : state.turns.slice(0, index);
    const threads = index === -1 ? state.threads : withoutTurns(state.threads, state.turns.slice(index));
    const { description: _past, ...rest } = state;
    const status = turns.at(-1)?.outcome ?? 'idle';
    return { ...rest, turns, threads, todos: [], status, isWorkspacePast: true };
  },
  'base.updated': (state, { baseCommit, formerTree }) => ({
    ...state,
    ...(state.source === undefined ? {} : { source: { ...state.source, commit: baseCommit } }),
    // The workspace does not move with it.
    workspaceTree: state.workspaceTree ?? formerTree,
  }),
};

function holding({ isWorkspacePast: _over, ...state }: TaskState, workspaceTree: string): TaskState {
  return { ...state, workspaceTree };
}

const open = ({ resolvedIn: _over, ...thread }: ReviewThread): ReviewThread => ({
  ...thread,
  isResolved: false,
});

/** Those of these messages are the person's alone once more. */
const draftAgain =
  (messages: ReadonlySet<string>) =>
  (comment: ReviewComment): ReviewComment => {
    const { messageId, ...draft } = comment;
    return messageId !== undefined && messages.has(messageId) ? { ...draft, isDraft: true } : comment;
  };

/** Comments as if these turns had never been: what the agent answered is gone, what it was asked is yet to be submitted. */
function withoutTurns(threads: ReviewThread[], turns: readonly Turn[]): ReviewThread[] {
  const gone = new Set(turns.map(({ turnId }) => turnId));
  const items = turns.flatMap((turn) => turn.items);
  const messages = new Set(items.flatMap((item) => (item.kind === 'user' ? [item.messageId] : [])));
  return threads.map((thread) => ({
    ...(gone.has(thread.resolvedIn ?? '') ? open(thread) : thread),
    comments: thread.comments.filter(({ turnId = '' }) => !gone.has(turnId)).map(draftAgain(messages)),
  }));
}

function unmergedText(paths: readonly string[]): string {
  const named = paths.slice(0, NAMED).map((path) => JSON.stringify(path));
  const rest = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '';
  return `You and the agent have changed the same in ${named.join(', ')}${rest}. Look for conflict markers there; what cannot have any is as you left it.`;
}

function inThread(
  state: TaskState,
  threadId: string,
  change: (thread: ReviewThread) => ReviewThread,
): TaskState {
  const index = state.threads.findIndex((thread) => thread.threadId === threadId);
  const thread = state.threads[index];
  return thread === undefined ? state : { ...state, threads: state.threads.with(index, change(thread)) };
}

function inComments(state: TaskState, change: (comment: ReviewComment) => ReviewComment): TaskState {
  const threads = state.threads.map((thread) => ({ ...thread, comments: thread.comments.map(change) }));
  return { ...state, threads };
}
