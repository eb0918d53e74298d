import type { App } from '../app.ts';
import { type Decision, decisionOf, type FileArgument, fileOf } from './review-argument.ts';

/** `handoff.acceptFile`: the whole file goes into the pull request. */
export function acceptFile(app: App) {
  return async (argument?: FileArgument): Promise<Decision> => {
    const { taskId, path } = fileOf(app, argument);
    return decisionOf(await app.review.setAccepted(taskId, [path], true));
  };
}
