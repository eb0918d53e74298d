import { type Claim, TURN_FORMAT } from '../engine/claims.ts';
import { HandedOver, type Journal } from '../engine/journal.ts';
import { toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import { TurnOver } from '../tasks/turn-signals.ts';
import { NOTHING_BESIDE, openBeside } from './beside.ts';
import { endTurn } from './halt.ts';
import { runLead } from './lead.ts';
import { prepareStep } from './prepare-step.ts';
import { isOutOfHands, type TurnContext, type TurnDeps, tell } from './turn-context.ts';

/**
 * One user message and all that the agent does about it. A turn is run under a claim, until it has ended, is parked for an answer of
 * the person, or is handed back by a relay that ends; and is continued under the next claim, here or elsewhere. It begins each
 * time with what the log has of it, so a fresh turn, one whose relay was killed and one that was parked for days are the same case.
 */
export function createTurn(deps: TurnDeps): (journal: Journal, claim: Claim) => Promise<void> {
  return async (journal, claim) => {
    const { taskId, turnId } = claim;
    const turn: TurnContext = {
      ...deps,
      taskId,
      turnId,
      claim,
      journal,
      mail: { mayBeThere: true },
      beside: NOTHING_BESIDE,
    };
    try {
      await run(turn);
    } catch (error) {
      if (error instanceof TurnOver) return;
      if (isOutOfHands(error)) throw error;
      deps.logger.error({ taskId, turnId, err: error }, 'the turn failed unexpectedly');
      await endTurn(turn, { outcome: 'failed', error: toFailure(error) });
    } finally {
      deps.signals.release(claim);
    }
  };
}

async function run(turn: TurnContext): Promise<void> {
  const { turnId, claim, journal } = turn;
  if (claim.format > TURN_FORMAT)
    return void (await endTurn(turn, { outcome: 'failed', error: INCOMPATIBLE }));
  await sayThatItGoesOn(turn);
  const prepared = await journal.step(`${turnId}:prepare`, () => prepareStep(turn));
  if (prepared.kind === 'failed')
    return void (await endTurn(turn, { outcome: 'failed', error: prepared.failure }));
  if (prepared.kind === 'stopped') return void (await endTurn(turn, { outcome: 'stopped' }));

  turn.beside = await openBeside(turn);
  try {
    // Once, but for a message that comes while the turn would end, or an answer while it would park: then it goes on from the log.
    let isAgain = false;
    while (!(await runLead(turn, prepared, isAgain))) isAgain = true;
  } catch (error) {
    // What is under way with them would fail for that, and be told so; the end of the relay is theirs, too.
    if (error instanceof HandedOver) turn.beside = NOTHING_BESIDE;
    throw error;
  } finally {
    void turn.beside.servers.close();
  }
}

/** Where the person was told that it waits, they are told that it does no more. */
async function sayThatItGoesOn(turn: TurnContext): Promise<void> {
  const { taskId, turnId, claim } = turn;
  const { turns } = await turn.states.current(taskId);
  if (turns.findLast((known) => known.turnId === turnId)?.waiting === undefined) return;
  await tell(turn, {
    key: `${turnId}:continued:${claim.epoch}`,
    event: { type: 'turn.continued', turnId },
  });
}

const INCOMPATIBLE: Failure = {
  code: 'interrupted',
  message: 'The turn was begun by a newer version of the relay, whose record this one cannot go on from.',
  nextAction: 'What it had done is kept. Send a message to go on, or start the newer version again.',
};
