import { AppError, toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import { SandboxError } from '../sandbox/sandbox.ts';
import { foundInWorkspace } from '../tasks/next-proposal.ts';
import { inOurWords } from './prepare-step.ts';
import { assertHeld, isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';

export type CaptureStep = { kind: 'captured'; headTree: string } | { kind: 'failed'; failure: Failure };

/**
 * Fetches the workspace's tree to the relay and says what changed: the proposal is readable with the sandbox off, and a
 * lost sandbox loses one step. @param place unique in the turn
 */
export async function captureStep(
  turn: TurnContext,
  place: string,
  baseTree: string,
  previousTree: string,
): Promise<CaptureStep> {
  const { taskId, turnId, repo } = turn;
  const keys = `${turnId}:proposal:${place}`;
  try {
    // A capture ends another that holds its lock: it must not be one of a relay that took the turn over.
    await assertHeld(turn);
    const headTree = await capture(turn, previousTree);
    const state = await turn.states.current(taskId);
    await tell(turn, ...(await foundInWorkspace(repo, state, { baseTree, tree: headTree, keys })));
    return { kind: 'captured', headTree };
  } catch (error) {
    if (isOutOfHands(error)) throw error;
    // Whoever stops a turn does not wait for it: what follows the turn's end brings it home.
    if (await isStopped(turn)) return { kind: 'captured', headTree: previousTree };
    turn.logger.error({ taskId, turnId, err: error }, 'the workspace could not be captured');
    return { kind: 'failed', failure: toFailure(inOurWords(error)) };
  }
}

/** A machine that is lost under it is woken or made anew by the next to open it, and then holds what can be captured. */
async function capture({ taskId, sandboxes, repo }: TurnContext, previousTree: string): Promise<string> {
  try {
    return (await repo.capture(taskId, await sandboxes.open(taskId), previousTree)).headTree;
  } catch (error) {
    if (!isLoss(error)) throw error;
    return (await repo.capture(taskId, await sandboxes.open(taskId), previousTree)).headTree;
  }
}

/** Whether the machine was lost under it, and may be there again for whoever opens it. */
export const isLoss = (error: unknown): boolean =>
  (error instanceof SandboxError && error.code === 'lost') ||
  (error instanceof AppError && error.code === 'sandbox_lost');
