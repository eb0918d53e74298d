import type { App } from '../app.ts';
import { decisionsOnRest } from '../review/decisions.ts';
import { reviewedTask } from './accepted-tree.ts';
import { type Decision, decisionOf } from './review-argument.ts';
import type { TaskArgument } from './task-argument.ts';

/** `handoff.rejectAll`: all of the proposal that is not decided; what was kept stays so. */
export function rejectAll(app: App) {
  return async (argument?: TaskArgument): Promise<Decision> => {
    const taskId = await reviewedTask(app, argument);
    return decisionOf(await app.review.decide(taskId, (review) => decisionsOnRest(review, 'rejected')));
  };
}
