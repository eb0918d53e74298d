import type { App } from '../app.ts';
import { decideParts } from '../review/decisions.ts';
import { partsOf } from '../review/outline.ts';
import { fileAt } from '../review/placing.ts';
import { type Decision, decisionOf, type FileArgument, fileOf } from './review-argument.ts';

/** `handoff.rejectFile`: nothing of the file is wanted; the agent is told so at its next turn. */
export function rejectFile(app: App) {
  return async (argument?: FileArgument): Promise<Decision> => {
    const { taskId, path } = fileOf(app, argument);
    return decisionOf(
      await app.review.decide(taskId, (review) =>
        decideParts(partsOf(fileAt(review, path)?.items ?? []), 'rejected'),
      ),
    );
  };
}
