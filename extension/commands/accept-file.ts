import type { App } from '../app.ts';
import { countsOf } from '../review/outline.ts';
import { type Decision, decisionOf, type FileArgument, fileOf, tellUndone } from './review-argument.ts';

/** `handoff.acceptFile`: the whole file goes into the pull request. */
export function acceptFile(app: App) {
  return async (argument?: FileArgument): Promise<Decision> => {
    const { taskId, path } = fileOf(app, argument);
    const review = await app.review.setAccepted(taskId, [path], true);
    tellUndone(countsOf(review.files.filter(({ file }) => file.path === path)).rejected);
    return decisionOf(review);
  };
}
