import type { Database } from '../engine/database.ts';

/** Pushes back when a task's idle sandbox goes to sleep: somebody looks at what runs in it. */
export function createActivity(
  database: Database,
  deps: { idleMs: number; now: () => number; onError: (taskId: string, error: unknown) => void },
): (taskId: string) => void {
  return (taskId) => {
    database
      .query(
        'UPDATE handoff.tasks SET sleep_at = greatest(sleep_at, $2) WHERE task_id = $1 AND sleep_at IS NOT NULL',
        [taskId, deps.now() + deps.idleMs],
      )
      .catch((error: unknown) => deps.onError(taskId, error));
  };
}
