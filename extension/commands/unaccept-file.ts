import type { App } from '../app.ts';
import { type Decision, decisionOf, type FileArgument, fileOf } from './review-argument.ts';

/** `handoff.unacceptFile`: takes the acceptance of a file back. */
export function unacceptFile(app: App) {
  return async (argument?: FileArgument): Promise<Decision> => {
    const { taskId, path } = fileOf(app, argument);
    return decisionOf(await app.review.setAccepted(taskId, [path], false));
  };
}
