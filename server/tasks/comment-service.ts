import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import { MAX_MESSAGE_LENGTH, type MessageAccepted } from '../protocol/commands.ts';
import type { CommentsWritten, NewComment, SubmitComments, WriteComments } from '../protocol/comments.ts';
import type { NewEvent } from '../protocol/events.ts';
import { placeNow } from '../protocol/place-now.ts';
import { reduce } from '../protocol/reduce.ts';
import type { ReviewComment, ReviewThread, TaskState } from '../protocol/task.ts';
import { type Asked, reviewMessage } from '../review/review-message.ts';
import { acceptMessage } from './accept-message.ts';
import type { HeldTask, HoldTask } from './task-hold.ts';

/** Talking on lines of the proposal. Each command is done once however often it is asked. */
export interface CommentService {
  /** Drafts, which the agent does not see; and, where asked for, all drafts submitted. */
  write(taskId: string, command: WriteComments): Promise<CommentsWritten>;
  edit(taskId: string, commentId: string, text: string): Promise<void>;
  remove(taskId: string, commentId: string): Promise<void>;
  /** All drafts, as one message to the agent. */
  submit(taskId: string, command: SubmitComments): Promise<MessageAccepted>;
  resolve(taskId: string, threadId: string, isResolved: boolean): Promise<void>;
}

export interface CommentRepo {
  /** See `textsAt`. */
  textsAt(taskId: string, tree: string, paths: readonly string[]): Promise<Map<string, string | undefined>>;
}

/** More threads than these make every snapshot of the task slow. */
const MOST_THREADS = 1000;

const keyOf = (commentId: string): string => `comment:${commentId}`;
type Written = Extract<NewEvent, { type: 'comment.written' }>;

export function createCommentService(deps: {
  hold: HoldTask;
  repo: CommentRepo;
  /** Says that there is a turn to claim. */
  wake: () => void;
  now: () => number;
}): CommentService {
  const { repo, wake, now } = deps;

  const hold = <T>(taskId: string, work: (task: HeldTask) => Promise<T>): Promise<T> =>
    deps.hold(taskId, (task) => {
      if (task.archived) throw conflict('The task is archived.', 'Start a new task.');
      return work(task);
    });

  /** Adds what is new of the comments. @returns the state with them */
  async function add(task: HeldTask, comments: NewComment[]): Promise<TaskState> {
    const known = await task.written(comments.map(({ commentId }) => keyOf(commentId)));
    let { state } = task;
    const events: Written[] = [];
    for (const comment of comments) {
      const { commentId } = comment;
      const before = known.get(keyOf(commentId));
      if (before !== undefined) {
        if (!isSame(before, comment))
          throw conflict(`The id ${commentId} was used for another comment.`, 'Use a new commentId.');
        continue;
      }
      const event = draft(state, comment);
      known.set(keyOf(commentId), event);
      events.push(event);
      state = reduce(state, { ...event, seq: state.seq + 1, at: now() });
    }
    if (state.threads.length > MOST_THREADS)
      throw new AppError('too_large', `A task has at most ${MOST_THREADS} threads.`, {
        nextAction: 'Go on in a thread that is there.',
      });
    if (events.length > 0) await task.append(events.map((event) => ({ key: keyOf(event.commentId), event })));
    return state;
  }

  /** @param state of the held task, with what was just added to it */
  async function submitAll(
    task: HeldTask,
    state: TaskState,
    { clientId, text }: SubmitComments,
  ): Promise<MessageAccepted> {
    const key = `comments-submitted:${clientId}`;
    const message = { messageId: clientId, text: '', selection: [] };
    // Asked before: what was submitted then is that message, whatever was written since.
    if ((await task.written([key])).size > 0) return acceptMessage(task.tx, message, now());
    if (await task.tx.findMessage(clientId))
      throw conflict('This clientId was used for another message.', 'Use a new clientId.');
    const threads = state.threads.filter(({ comments }) => comments.some(isDraft));
    if (threads.length === 0)
      throw conflict('There is no comment to submit.', 'Write one, or send a message.');
    const review = reviewMessage(text, await asked(state, threads));
    if (review.length > MAX_MESSAGE_LENGTH)
      throw new AppError('too_large', 'The comments are too long for one message.', {
        nextAction: 'Shorten or remove some of them, then submit again.',
      });
    const commentIds = threads.flatMap(({ comments }) =>
      comments.filter(isDraft).map(({ commentId }) => commentId),
    );
    await task.append([{ key, event: { type: 'comments.submitted', commentIds, messageId: clientId } }]);
    return acceptMessage(task.tx, { ...message, text: review }, now());
  }

  /** What the drafts ask, and where their lines are in what is there now. */
  async function asked({ taskId, proposal }: TaskState, threads: ReviewThread[]): Promise<Asked[]> {
    const textsOf = async (side: 'base' | 'proposal', tree: string | undefined) => {
      const paths = threads.filter(({ place }) => place.side === side).map(({ place }) => place.path);
      return tree === undefined
        ? new Map<string, string | undefined>()
        : repo.textsAt(taskId, tree, [...new Set(paths)]);
    };
    const texts = {
      base: await textsOf('base', proposal?.baseTree),
      proposal: await textsOf('proposal', proposal?.headTree),
    };
    return threads.map(({ threadId, place, comments }) => {
      const text = texts[place.side].get(place.path);
      return {
        threadId,
        place,
        now: text === undefined ? undefined : placeNow(place, text),
        texts: comments.filter(isDraft).map((comment) => comment.text),
      };
    });
  }

  return {
    async write(taskId, { comments, submit }) {
      const written = await hold(taskId, async (task): Promise<CommentsWritten> => {
        const state = await add(task, comments);
        if (!submit) return { seq: state.seq };
        return { seq: state.seq, message: await submitAll(task, state, submit) };
      });
      if (written.message) wake();
      return written;
    },

    async submit(taskId, command) {
      const message = await hold(taskId, (task) => submitAll(task, task.state, command));
      wake();
      return message;
    },

    edit: (taskId, commentId, text) =>
      hold(taskId, async ({ state, append }) => {
        if (ownDraft(state, commentId).text === text) return;
        const event = { type: 'comment.edited' as const, commentId, text };
        await append([{ key: `comment-edited:${randomUUID()}`, event }]);
      }),

    remove: (taskId, commentId) =>
      hold(taskId, async ({ state, append, written }) => {
        const isGone = findComment(state, commentId) === undefined;
        if (isGone && (await written([keyOf(commentId)])).size > 0) return;
        ownDraft(state, commentId);
        await append([
          { key: `comment-removed:${commentId}`, event: { type: 'comment.removed', commentId } },
        ]);
      }),

    resolve: (taskId, threadId, isResolved) =>
      hold(taskId, async ({ state, append }) => {
        const thread = state.threads.find((known) => known.threadId === threadId);
        if (!thread) throw new AppError('not_found', 'There is no such thread.', REFRESH);
        if (thread.isResolved === isResolved) return;
        const event = { type: 'thread.resolved' as const, threadId, isResolved };
        await append([{ key: `thread-resolved:${randomUUID()}`, event }]);
      }),
  };
}

const REFRESH = { nextAction: 'Refresh the task.' };

const isDraft = (comment: ReviewComment): boolean => comment.isDraft;

/** A new comment as it is told: with its place where it begins a thread. */
function draft({ threads, proposal }: TaskState, { commentId, threadId, place, text }: NewComment): Written {
  const begins = !threads.some((thread) => thread.threadId === threadId);
  if (begins && place === undefined) {
    throw new AppError('bad_request', `The thread ${threadId} is not there, and the comment has no place.`, {
      nextAction: 'Say which lines it is about.',
    });
  }
  if (begins && place && place.revision > (proposal?.revision ?? 0)) {
    throw new AppError('bad_request', `There is no revision ${place.revision} yet.`, REFRESH);
  }
  return {
    type: 'comment.written',
    commentId,
    threadId,
    author: 'person',
    text,
    ...(begins ? { place } : {}),
    isDraft: true,
  };
}

const findComment = ({ threads }: TaskState, commentId: string): ReviewComment | undefined =>
  threads.flatMap(({ comments }) => comments).find((comment) => comment.commentId === commentId);

/** The draft of that id. Throws `not_found`, and `conflict` for a comment that others have read. */
function ownDraft(state: TaskState, commentId: string): ReviewComment {
  const comment = findComment(state, commentId);
  if (!comment) throw new AppError('not_found', 'There is no such comment.', REFRESH);
  if (!comment.isDraft)
    throw conflict('That comment was submitted already.', 'Write another one in the same thread.');
  return comment;
}

/** Whether the event's body says what is asked: its place does not count, for a thread has the first one's. */
const isSame = (body: unknown, { threadId, text }: NewComment): boolean =>
  typeof body === 'object' &&
  body !== null &&
  Reflect.get(body, 'threadId') === threadId &&
  Reflect.get(body, 'text') === text;

function conflict(message: string, nextAction: string): AppError {
  return new AppError('conflict', message, { nextAction });
}
