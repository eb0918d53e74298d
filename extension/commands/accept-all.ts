import type { App } from '../app.ts';
import { countsOf } from '../review/outline.ts';
import { reviewedTask } from './accepted-tree.ts';
import { type Decision, decisionOf, tellUndone } from './review-argument.ts';
import type { TaskArgument } from './task-argument.ts';

/** `handoff.acceptAll`: every file of the proposal, of the task that is reviewed where none is given; what was undone stays so. */
export function acceptAll(app: App) {
  return async (argument?: TaskArgument): Promise<Decision> => {
    const taskId = await reviewedTask(app, argument);
    const review = await app.review.setAccepted(taskId, 'all', true);
    tellUndone(countsOf(review.files).rejected);
    return decisionOf(review);
  };
}
