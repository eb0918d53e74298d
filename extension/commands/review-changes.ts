import type { App } from '../app.ts';
import { openFileDiff } from '../review/open-review.ts';
import { fileAt, placedItems } from '../review/placing.ts';
import { reviewedTask } from './accepted-tree.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/** `handoff.reviewNextPart`: of a proposal that is too large for one editor, the files after those that are open. */
export function reviewNextPart(app: App) {
  return async (): Promise<void> => {
    const review = await app.review.of(await reviewedTask(app, undefined));
    await app.reviewEditor.open(review, { isNext: true });
  };
}

/**
 * `handoff.reviewChanges`: all files of the proposal in a multi-diff editor, or the diff of one `path`, at the change `hash` of it.
 * @returns what is reviewed
 */
export function reviewChanges(app: App) {
  return async (argument?: TaskArgument | { taskId: string; path?: string; hash?: string }) => {
    const taskId = await taskOf(app, argument, (task) => task.changedFiles > 0);
    void app.baseHint.look(taskId);
    const review = await app.review.load(taskId);
    const { path, hash } = typeof argument === 'object' && 'path' in argument ? argument : {};
    const shown = path === undefined ? undefined : fileAt(review, path);
    const place = shown && placedItems(review, shown).find(([item]) => item.hash === hash)?.[1];
    await (shown ? openFileDiff(review, shown, place?.start) : app.reviewEditor.open(review));
    return {
      taskId,
      revision: review.changes.revision,
      files: review.changes.files.map((changed) => changed.path),
    };
  };
}
