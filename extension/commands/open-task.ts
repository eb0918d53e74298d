import type { App } from '../app.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/** `handoff.openTask`: the task's chat. @returns its id */
export function openTask(app: App) {
  return async (argument?: TaskArgument): Promise<{ taskId: string }> => {
    const taskId = await taskOf(app, argument);
    await Promise.all([app.chat.reveal(), app.panel.showTask(taskId)]);
    return { taskId };
  };
}
