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
        const events = await log.read(taskId, state.seq, PAGE);
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
