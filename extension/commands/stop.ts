import type { App } from '../app.ts';
import { isActive } from '../relay/task-store.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/** `handoff.stop`: ends the running turn. @returns whether one ran */
export function stop(app: App) {
  return async (argument?: TaskArgument): Promise<{ taskId: string; stopped: boolean }> => {
    const taskId = await taskOf(app, argument, (task) => isActive(task.status));
    const { stopped } = await (await app.connection.client()).stop(taskId);
    return { taskId, stopped };
  };
}
