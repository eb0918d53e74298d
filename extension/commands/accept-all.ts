import type { App } from '../app.ts';
import { countsOf } from '../review/outline.ts';
import { type Decision, decisionOf, tellUndone } from './review-argument.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/** `handoff.acceptAll`: every file of the proposal, of the task that is reviewed where none is given. */
export function acceptAll(app: App) {
  return async (argument?: TaskArgument): Promise<Decision> => {
    const reviewed = app.review.current()?.taskId;
    const taskId = hasTask(argument) || !reviewed ? await taskOf(app, argument) : reviewed;
    const review = await app.review.setAccepted(taskId, 'all', true);
    tellUndone(countsOf(review.files).rejected);
    return decisionOf(review);
  };
}

/** A button of an editor's title calls with the editor's document instead. */
function hasTask(argument: TaskArgument): boolean {
  return typeof argument === 'string' || typeof argument?.taskId === 'string';
}
