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

/**
 * The tasks that wait for the person: they ask something, for as long as they do; or they ended with changes or a failure,
 * nothing was published, and the person has not looked at them since. `seen` is the `seq` that each was last looked at.
 */
export function waiting(tasks: TaskSummary[], seen: Record<string, number>): TaskSummary[] {
  return tasks.filter(
    ({ taskId, seq, status, changedFiles, pullRequestUrl }) =>
      status === 'asking' ||
      (pullRequestUrl === undefined &&
        (status === 'failed' || (status === 'completed' && changedFiles > 0)) &&
        seq > (seen[taskId] ?? 0)),
  );
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
