import type { Failure } from '../../protocol/errors.ts';
import { TurnOver } from '../../tasks/turn-signals.ts';
import type { Agent } from '../agent.ts';
import type { TurnContext } from '../turn-context.ts';

/** What ends a subagent from outside. */
export interface Supervision {
  /** Aborts when the person stops it, or an agent that it works for, or the turn; and when its time is over. */
  signal: AbortSignal;
  /** How that ends it; undefined where it did not. */
  halted(): { outcome: 'stopped' | 'timed_out'; error?: Failure } | undefined;
  release(): void;
}

/** A reason of signals: the deadline of the agent, or of one that it works for, has passed. */
const OUT_OF_TIME = Symbol('out of time');

/** @param deadlineAt ms since 1970 */
export async function supervise(
  turn: TurnContext,
  parent: Agent,
  agentId: string,
  deadlineAt: number,
): Promise<Supervision> {
  const stop = await turn.signals.ofAgent(turn.claim, agentId);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(OUT_OF_TIME), Math.max(0, deadlineAt - turn.now()));
  const signal = AbortSignal.any([await parent.signal(), stop.signal, deadline.signal]);
  return {
    signal,
    halted() {
      // Whoever lost the turn says nothing of it any more.
      if (!signal.aborted || signal.reason instanceof TurnOver) return undefined;
      return signal.reason === OUT_OF_TIME
        ? { outcome: 'timed_out', error: TIMED_OUT }
        : { outcome: 'stopped' };
    },
    release() {
      clearTimeout(timer);
      stop.release();
    },
  };
}

const TIMED_OUT: Failure = {
  code: 'agent_timed_out',
  message: 'It did not come to an end within its time.',
  nextAction: 'Give it a smaller piece of work, or do it yourself.',
};
