import type { App } from '../app.ts';
import { openFileDiff, openMultiDiff } from '../review/open-review.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/**
 * `handoff.reviewChanges`: all files of the proposal in a multi-diff editor, or the diff of one `path`.
 * @returns what is reviewed
 */
export function reviewChanges(app: App) {
  return async (argument?: TaskArgument | { taskId: string; path?: string }) => {
    const taskId = await taskOf(app, argument, (task) => task.changedFiles > 0);
    const review = await app.review.load(taskId);
    const path = typeof argument === 'object' && 'path' in argument ? argument.path : undefined;
    const file = review.files.find((shown) => shown.file.path === path || shown.from?.path === path);
    await (file ? openFileDiff(review, file) : openMultiDiff(review));
    return {
      taskId,
      revision: review.changes.revision,
      files: review.changes.files.map((changed) => changed.path),
    };
  };
}
