import type { Usage } from '../protocol/agent-events.ts';
import type { Failure } from '../protocol/errors.ts';
import type { TaskEvent, TurnOutcome } from '../protocol/events.ts';
import { dismissals, isOpen } from '../tasks/answers.ts';
import { readAll } from '../tasks/event-log.ts';
import { TurnOver } from '../tasks/turn-signals.ts';
import { assertHeld, type TurnContext } from './turn-context.ts';

export interface TurnEnd {
  outcome: TurnOutcome;
  error?: Failure;
}

/**
 * Ends the turn, unless a message came meanwhile and the turn was going well: then it goes on with that.
 * @returns whether it ended
 */
export async function endTurn(turn: TurnContext, { outcome, error }: TurnEnd): Promise<boolean> {
  const { taskId, turnId, claim, store } = turn;
  const started = await turn.log.find(taskId, `${turnId}:started`);
  const usage = usageOf(await readAll(turn.log, taskId, started?.seq), turnId);
  const hasEnded = await store.locked(taskId, async (tx) => {
    if (outcome === 'completed' && (await tx.hasUndelivered())) return false;
    const isHeard = await tx.append(claim, [
      {
        key: `${turnId}:ended`,
        event: { type: 'turn.ended', turnId, outcome, usage, ...(error ? { error } : {}) },
      },
    ]);
    if (!isHeard) throw new TurnOver();
    await tx.endTurn(turnId);
    return true;
  });
  if (hasEnded) turn.onEnded({ taskId, turnId });
  return hasEnded;
}

/**
 * Takes the turn out of this relay until the person answers. Nothing is left of it but its rows.
 * @returns false where that is not needed any more: it was answered meanwhile, or a message came instead of an answer
 */
export function parkTurn(turn: TurnContext): Promise<boolean> {
  const { taskId, turnId, claim } = turn;
  return turn.store.locked(taskId, async (tx) => {
    const open = (await tx.questions(turnId)).filter(isOpen);
    const last = open.at(-1);
    if (last === undefined) return false;
    if (await tx.hasUndelivered()) {
      const isHeard = await tx.append(claim, dismissals(open, turn.now()));
      if (!isHeard) throw new TurnOver();
      return false;
    }
    if ((await tx.standing(turnId))?.stopRequested) return false;
    const isHeard = await tx.append(claim, [
      { key: `${last.question.questionId}:parked`, event: { type: 'turn.parked', turnId } },
    ]);
    if (!isHeard) throw new TurnOver();
    await tx.parkTurn(turnId, turn.now() + turn.idleMs);
    return true;
  });
}

/** Kills what the turn left running in its sandbox; only while the turn is this relay's, for the next one runs commands by the same names. */
export async function killProcesses(turn: TurnContext): Promise<null> {
  const { taskId, turnId } = turn;
  await assertHeld(turn);
  try {
    const sandbox = await turn.sandboxes.open(taskId);
    await sandbox.killAll(`${turnId}:`);
  } catch (error) {
    // A sandbox that cannot be reached runs nothing that could be killed.
    turn.logger.warn({ taskId, err: error }, 'no processes to kill');
  }
  return null;
}

/** What all model calls of a turn used together, those of its subagents, those that made summaries and those that failed included. */
export function usageOf(events: readonly TaskEvent[], turnId: string): Usage {
  const total: Usage = {};
  for (const event of events) {
    if (
      (event.type !== 'model.answered' && event.type !== 'model.spent' && event.type !== 'context.cut') ||
      event.turnId !== turnId
    )
      continue;
    for (const key of ['inputTokens', 'outputTokens', 'cachedInputTokens', 'costMicros'] as const) {
      const more = event.usage?.[key];
      if (more !== undefined) total[key] = (total[key] ?? 0) + more;
    }
  }
  return total;
}
