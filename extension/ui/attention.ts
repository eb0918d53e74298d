import type { TaskEvent } from '../../server/protocol/events.ts';
import type { TaskState, TaskSummary } from '../../server/protocol/task.ts';

/** What a person should be told about a task that just changed. */
export type Notice =
  | { kind: 'review'; taskId: string; title: string; files: number }
  | { kind: 'failed'; taskId: string; title: string; reason: string }
  | { kind: 'question'; taskId: string; title: string; question: string };

/**
 * A turn's end is worth a notification when there is something to look at, or it failed; and so is a turn that does not go
 * on before the person has answered. Everything else is only a badge.
 */
export function noticeOf(batch: TaskEvent[], state: TaskState): Notice | undefined {
  if (state.status === 'asking' && batch.some(({ type }) => type === 'turn.parked')) return asked(state);
  const ended = batch.findLast((event) => event.type === 'turn.ended');
  // Where the next turn runs already, it is not over.
  if (!ended || state.status !== ended.outcome) return undefined;
  const { taskId, title } = state;
  if (ended.outcome === 'failed') {
    return { kind: 'failed', taskId, title, reason: ended.error?.message ?? '' };
  }
  const files = state.proposal?.files.length ?? 0;
  return ended.outcome === 'completed' && files > 0 ? { kind: 'review', taskId, title, files } : undefined;
}

function asked({ taskId, title, turns }: TaskState): Notice | undefined {
  const item = turns.at(-1)?.items.find((item) => item.kind === 'question' && item.answer === undefined);
  return item?.kind === 'question' ? { kind: 'question', taskId, title, question: item.question } : undefined;
}

/** How tasks stood when the person last looked at them, by id. What never changes that (a hibernation, a check) is not news. */
export type Seen = Record<string, Look>;
type Look = Pick<TaskSummary, 'status' | 'changedFiles'>;

/**
 * The tasks that wait for the person: they ask something, for as long as they do; or they ended with changes or a failure,
 * nothing was published, and the person has not seen that.
 */
export function waiting(tasks: TaskSummary[], seen: Seen): TaskSummary[] {
  return tasks.filter(
    (task) =>
      task.status === 'asking' ||
      (task.pullRequestUrl === undefined &&
        (task.status === 'failed' || (task.status === 'completed' && task.changedFiles > 0)) &&
        !isSame(task, seen[task.taskId])),
  );
}

/** After a look at a task; tasks that are not listed any more are forgotten. The same object where nothing is new. */
export function withLook(seen: Seen, tasks: TaskSummary[], { taskId, status, changedFiles }: LookAt): Seen {
  if (isSame({ status, changedFiles }, seen[taskId])) return seen;
  const listed = new Set(tasks.map((task) => task.taskId));
  const kept = Object.entries(seen).filter(([id]) => listed.has(id));
  return { ...Object.fromEntries(kept), [taskId]: { status, changedFiles } };
}
type LookAt = Look & { taskId: string };

/**
 * Without the looks at tasks that have moved on since, so that the next end is news though it be like the one before. A whole
 * turn that nobody here heard of, and that left as many changed files, is not noticed. The same object where none is gone.
 */
export function stillSeen(seen: Seen, tasks: TaskSummary[]): Seen {
  const moved = tasks.filter((task) => seen[task.taskId] !== undefined && !isSame(task, seen[task.taskId]));
  return without(seen, new Set(moved.map(({ taskId }) => taskId)));
}

/** A batch may hold a whole turn, after which the task looks as it did before. */
export function afterEvents(seen: Seen, taskId: string, batch: TaskEvent[]): Seen {
  const anew = seen[taskId] !== undefined && batch.some(({ type }) => type === 'turn.started');
  return anew ? without(seen, new Set([taskId])) : seen;
}

function isSame(task: Look, look: Look | undefined): boolean {
  return task.status === look?.status && task.changedFiles === look.changedFiles;
}

function without(seen: Seen, gone: ReadonlySet<string>): Seen {
  return gone.size === 0 ? seen : Object.fromEntries(Object.entries(seen).filter(([id]) => !gone.has(id)));
}

/** The longest text that a notification shows of a model's or a person's words, in UTF-16 units. */
const QUOTED_LENGTH = 200;

/**
 * Words of a model as a notification may show them: in one line, without the marks of markdown, and without a link, which
 * VS Code would make of `[a](command:b)`.
 */
export function quoted(words: string): string {
  const line = words
    .replace(/`|\*\*/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('](', '] (');
  return line.length > QUOTED_LENGTH ? `${line.slice(0, QUOTED_LENGTH - 1).toWellFormed()}…` : line;
}
