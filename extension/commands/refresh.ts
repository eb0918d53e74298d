import type { TaskSummary } from '../../server/protocol/task.ts';
import type { App } from '../app.ts';

/** `handoff.refresh`: reads the tasks again, connecting where need be. @returns them */
export function refresh(app: App) {
  return async (): Promise<TaskSummary[]> => {
    const [tasks] = await Promise.all([app.store.refresh(), app.setup.refresh()]);
    return tasks;
  };
}
