import type { App } from '../app.ts';
import type { WorkSummary } from '../git/capture-choice.ts';

/** `handoff.previewUncommitted`: shows what of the uncommitted work a new task takes along, and keeps what is ticked for the tasks to come. */
export function previewUncommitted(app: App) {
  return async (): Promise<WorkSummary> => {
    const summary = await app.uncommitted.review(await app.repositories.pick());
    void app.setup.lookAtWork();
    return summary;
  };
}
