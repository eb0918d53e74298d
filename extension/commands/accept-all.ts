import type { App } from '../app.ts';
import { type Decision, decisionOf } from './review-argument.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/** `handoff.acceptAll`: every file of the proposal, of the task that is reviewed where none is given. */
export function acceptAll(app: App) {
  return async (argument?: TaskArgument): Promise<Decision> => {
    const reviewed = app.review.current()?.taskId;
    const taskId = hasTask(argument) || !reviewed ? await taskOf(app, argument) : reviewed;
    return decisionOf(await app.review.setAccepted(taskId, 'all', true));
  };
}

/** A button of an editor's title calls with the editor's document instead. */
function hasTask(argument: TaskArgument): boolean {
  return typeof argument === 'string' || typeof argument?.taskId === 'string';
}
