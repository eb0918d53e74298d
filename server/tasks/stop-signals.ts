import type { Notices } from '../engine/notices.ts';
import type { TaskStore } from './task-store.ts';

/**
 * Turns a durable request to stop into an `AbortSignal` for whatever of that turn runs in this relay.
 * The request is a fact in the database, so it holds across restarts and reaches the relay that runs the turn.
 */
export interface StopSignals {
  /** Aborts when the turn is asked to stop, also when that was before. Call `release` when the turn is over. */
  of(taskId: string, turnId: string): Promise<AbortSignal>;
  release(turnId: string): void;
}

export function createStopSignals(store: Pick<TaskStore, 'isStopRequested'>, notices: Notices): StopSignals {
  const running = new Map<string, { controller: AbortController; unsubscribe: () => void }>();
  return {
    async of(taskId, turnId) {
      const known = running.get(turnId);
      if (known) return known.controller.signal;
      const controller = new AbortController();
      const look = (): void => {
        if (controller.signal.aborted) return;
        store.isStopRequested(turnId).then(
          (stop) => stop && controller.abort(),
          () => {
            // The database is away; the next notice, or the next step, looks again.
          },
        );
      };
      running.set(turnId, { controller, unsubscribe: notices.subscribe(taskId, look) });
      if (await store.isStopRequested(turnId)) controller.abort();
      return controller.signal;
    },
    release(turnId) {
      running.get(turnId)?.unsubscribe();
      running.delete(turnId);
    },
  };
}
