import { type Claim, turnChannel } from '../engine/claims.ts';
import { every } from '../engine/every.ts';
import type { Notices } from '../engine/notices.ts';
import type { TaskStore } from './task-store.ts';

/** Thrown by, or aborting, what belongs to a turn that this relay no longer runs: it has ended, or another relay took it over. */
export class TurnOver extends Error {
  override readonly name = 'TurnOver';
}

/** How often (ms) to look without having been told. */
const LOOK_ANYWAY_MS = 1000;

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
  /** Aborts when the person stopped that subagent of the turn, also when that was before. Call `release` when it has ended. */
  ofAgent(claim: Claim, agentId: string): Promise<{ signal: AbortSignal; release: () => void }>;
  release(claim: Claim): void;
}

export function createTurnSignals(
  store: Pick<TaskStore, 'standing' | 'stoppedAgents'>,
  notices: Notices,
): TurnSignals {
  interface Running {
    controller: AbortController;
    /** Of the subagents at work. */
    agents: Map<string, AbortController>;
    stop: () => void;
  }
  const running = new Map<Claim, Running>();
  const released = new WeakSet<Claim>();

  async function look(claim: Claim, controller: AbortController): Promise<void> {
    if (controller.signal.aborted) return;
    const standing = await store.standing(claim.turnId);
    if (standing?.state !== 'running' || standing.epoch !== claim.epoch) controller.abort(new TurnOver());
    else if (standing.stopRequested) controller.abort();
  }

  async function lookAtAgents(claim: Claim, agents: Running['agents']): Promise<void> {
    if (agents.size === 0) return;
    for (const agentId of await store.stoppedAgents(claim.turnId)) agents.get(agentId)?.abort();
  }

  const signals: TurnSignals = {
    async of(claim) {
      // A step that outlives its turn, because another beside it failed.
      if (released.has(claim)) return AbortSignal.abort(new TurnOver());
      const known = running.get(claim);
      if (known) return known.controller.signal;
      const controller = new AbortController();
      // Where the database is away, the next look sees.
      const agents: Running['agents'] = new Map();
      const looking = (): Promise<void> =>
        look(claim, controller)
          .then(() => lookAtAgents(claim, agents))
          .catch(() => {});
      const unsubscribe = notices.subscribe(turnChannel(claim.turnId), () => void looking());
      // A notice can be lost with its connection.
      const looks = every(LOOK_ANYWAY_MS, looking, () => {});
      running.set(claim, {
        controller,
        agents,
        stop() {
          unsubscribe();
          void looks.stop();
        },
      });
      await look(claim, controller);
      return controller.signal;
    },
    async ofAgent(claim, agentId) {
      const turn = await signals.of(claim);
      const agents = running.get(claim)?.agents;
      if (agents === undefined) return { signal: turn, release: () => {} };
      const controller = new AbortController();
      agents.set(agentId, controller);
      await lookAtAgents(claim, agents);
      return { signal: controller.signal, release: () => void agents.delete(agentId) };
    },
    release(claim) {
      released.add(claim);
      running.get(claim)?.stop();
      running.delete(claim);
    },
  };
  return signals;
}
