import type { TaskStatus } from '../server/protocol/task.ts';

const OPEN: ReadonlySet<TaskStatus> = new Set(['running', 'waiting', 'asking', 'stopping']);

/** Whether a turn of the task has begun and not ended. */
export function isTurnOpen(status: TaskStatus): boolean {
  return OPEN.has(status);
}
