import type { Claims, HeldTurn } from '../engine/claims.ts';
import type { Failure } from '../protocol/errors.ts';
import type { TaskStore } from './task-store.ts';

/**
 * Tells the person of every turn that has to wait before it can go on, and why: once a claim. To be asked after each look for turns that
 * can be claimed: only what two looks in a row left is held, the rest has just come, or was given back a moment ago.
 */
export function createHeldTurns({
  claims,
  store,
}: {
  claims: Pick<Claims, 'held'>;
  store: Pick<TaskStore, 'locked'>;
}): () => Promise<void> {
  /** What was held when it was last asked, and whether that was told. */
  let before = new Map<string, boolean>();
  return async () => {
    const now = new Map<string, boolean>();
    for (const held of await claims.held()) {
      const { taskId, turnId, epoch, cause } = held;
      const key = `${turnId}:waiting:${cause}:${epoch}`;
      const isTold = before.get(key);
      now.set(key, isTold !== undefined);
      if (isTold !== false) continue;
      await store.locked(taskId, async (tx) => {
        const standing = await tx.standing(turnId);
        // It was claimed meanwhile; while its task is locked here it cannot be.
        if (standing?.state !== 'waiting' || standing.epoch !== epoch) return;
        await tx.append({ turnId }, [
          { key, event: { type: 'turn.waiting', turnId, reason: REASONS[cause] } },
        ]);
      });
    }
    before = now;
  };
}

const REASONS: Record<HeldTurn['cause'], Failure> = {
  slot: {
    code: 'no_slot',
    message: 'As many tasks run as may run at once.',
    nextAction: 'It begins by itself when another one has ended; stop one that you do not need.',
  },
  host: {
    code: 'host_away',
    message: 'The machine that has this task’s sandbox does not answer.',
    nextAction: 'It goes on by itself when a relay runs there again. To go on without it, start a new task.',
  },
};
