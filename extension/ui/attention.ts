import type { TaskEvent } from '../../server/protocol/events.ts';
import type { TaskState, TaskSummary } from '../../server/protocol/task.ts';

/** What a person should be told about a task that just changed. */
export type Notice =
  | { kind: 'review'; taskId: string; title: string; files: number }
  | { kind: 'failed'; taskId: string; title: string; reason: string };

/** A turn's end is worth a notification when there is something to look at, or it failed; everything else only a badge. */
export function noticeOf(batch: TaskEvent[], state: TaskState): Notice | undefined {
  const ended = batch.findLast((event) => event.type === 'turn.ended');
  if (!ended || state.status === 'running') return undefined;
  const { taskId, title } = state;
  if (ended.outcome === 'failed') {
    return { kind: 'failed', taskId, title, reason: ended.error?.message ?? '' };
  }
  const files = state.proposal?.files.length ?? 0;
  return ended.outcome === 'completed' && files > 0 ? { kind: 'review', taskId, title, files } : undefined;
}

/**
 * The tasks that wait for the person: they ended with changes or a failure, nothing was published, and the person has not
 * looked at them since. `seen` is the `seq` that each was last looked at.
 */
export function waiting(tasks: TaskSummary[], seen: Record<string, number>): TaskSummary[] {
  return tasks.filter(
    ({ taskId, seq, status, changedFiles, pullRequestUrl }) =>
      pullRequestUrl === undefined &&
      (status === 'failed' || (status === 'completed' && changedFiles > 0)) &&
      seq > (seen[taskId] ?? 0),
  );
}
