import type { TaskEvent } from '../protocol/events.ts';
import { emptyTask, reduce } from '../protocol/reduce.ts';
import type { TaskState, TaskSummary } from '../protocol/task.ts';
import type { EventLog } from './event-log.ts';

/** Reduced states of the tasks that were looked at lately, brought up to date from the log at each look. */
export interface TaskStates {
  current(taskId: string): Promise<TaskState>;
}

const KEPT = 100;
const PAGE = 1000;

/** @param cache may be shared by several that read the same log, each with a patience of its own */
export function createTaskStates(log: EventLog, cache = new Map<string, TaskState>()): TaskStates {
  return {
    async current(taskId) {
      let state = cache.get(taskId) ?? emptyTask(taskId);
      for (;;) {
        // From the last known event on: where that is another or gone, so may be all before it.
        const events = await log.read(taskId, Math.max(0, state.seq - 1), PAGE);
        if (state.seq > 0 && !endsWith(state, events[0])) {
          state = emptyTask(taskId);
          continue;
        }
        state = events.reduce(reduce, state);
        if (events.length < PAGE) break;
      }
      cache.delete(taskId);
      cache.set(taskId, state);
      for (const oldest of cache.keys()) {
        if (cache.size <= KEPT) break;
        cache.delete(oldest);
      }
      return state;
    },
  };
}

/**
 * Whether the state ends with that event of the log. It does not where the task was removed and imported again, which a relay that
 * did neither does not hear of; nor where the event is now part of a `log.compacted` that goes further.
 */
const endsWith = (state: TaskState, event: TaskEvent | undefined): boolean =>
  event?.seq === state.seq && event.at === state.updatedAt;

/** A task as a list shows it. */
export function summaryOf(state: TaskState): TaskSummary {
  const pullRequest = state.publish?.pullRequest?.url;
  return {
    taskId: state.taskId,
    seq: state.seq,
    title: state.title,
    status: state.status,
    createdAt: state.createdAt,
    updatedAt: state.updatedAt,
    repository: state.source?.repository ?? '',
    changedFiles: state.proposal?.files.length ?? 0,
    ...(pullRequest === undefined ? {} : { pullRequestUrl: pullRequest }),
  };
}
