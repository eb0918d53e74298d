import { type Claim, turnChannel } from '../engine/claims.ts';
import type { Notices } from '../engine/notices.ts';
import type { TaskStore } from './task-store.ts';

/** Thrown by, or aborting, what belongs to a turn that this relay no longer runs: it has ended, or another relay took it over. */
export class TurnOver extends Error {
  override readonly name = 'TurnOver';
}

/**
 * Turns what the database says of a turn into an `AbortSignal` for whatever of it runs in this relay. It is a fact in the
 * database, so it holds across restarts and reaches the relay that runs the turn.
 */
export interface TurnSignals {
  /**
   * Aborts when the turn is asked to stop, also when that was before; and, with a `TurnOver` as its reason, when it was taken over.
   * Call `release` when the claim is done with.
   */
  of(claim: Claim): Promise<AbortSignal>;
  release(claim: Claim): void;
}

export function createTurnSignals(store: Pick<TaskStore, 'standing'>, notices: Notices): TurnSignals {
  const running = new Map<string, { controller: AbortController; unsubscribe: () => void }>();
  const keyOf = ({ turnId, epoch }: Claim): string => `${turnId}:${epoch}`;

  async function look(claim: Claim, controller: AbortController): Promise<void> {
    if (controller.signal.aborted) return;
    const standing = await store.standing(claim.turnId);
    if (standing?.state !== 'running' || standing.epoch !== claim.epoch) controller.abort(new TurnOver());
    else if (standing.stopRequested) controller.abort();
  }

  return {
    async of(claim) {
      const known = running.get(keyOf(claim));
      if (known) return known.controller.signal;
      const controller = new AbortController();
      const wake = (): void => {
        // Where the database is away, the next notice looks again, or the next step.
        look(claim, controller).catch(() => {});
      };
      running.set(keyOf(claim), {
        controller,
        unsubscribe: notices.subscribe(turnChannel(claim.turnId), wake),
      });
      await look(claim, controller);
      return controller.signal;
    },
    release(claim) {
      running.get(keyOf(claim))?.unsubscribe();
      running.delete(keyOf(claim));
    },
  };
}
