import { AppError, toFailure } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';
import type { Rewritten } from '../repo/rewritten-tree.ts';
import { SandboxError } from '../sandbox/sandbox.ts';
import { foundInWorkspace } from '../tasks/next-proposal.ts';
import { inOurWords } from './prepare-step.ts';
import { assertHeld, isOutOfHands, isStopped, type TurnContext, tell } from './turn-context.ts';

export type CaptureStep =
  /** `isSeen`: the machine was looked at, and knows the tree. */
  { kind: 'captured'; headTree: string; isSeen: boolean } | { kind: 'failed'; failure: Failure };

/** What is known of a workspace before a capture. */
export interface Before {
  /** What it held then. */
  tree: string;
  /** What it was last seen to hold. */
  seen: string;
  /** All that was changed since, in order; undefined where it has to be looked for. */
  files: readonly Rewritten[] | undefined;
}

/**
 * Fetches the workspace's tree to the relay and says what changed: the proposal is readable with the sandbox off, and a
 * lost sandbox loses one step. Where all that was changed is known, the sandbox is not asked. @param place unique in the turn
 */
export async function captureStep(
  turn: TurnContext,
  place: string,
  baseTree: string,
  before: Before,
): Promise<CaptureStep> {
  const { taskId, turnId, repo } = turn;
  const keys = `${turnId}:proposal:${place}`;
  try {
    // A capture ends another that holds its lock: it must not be one of a relay that took the turn over.
    await assertHeld(turn);
    const worked = before.files && (await repo.rewritten(taskId, before.tree, before.files));
    const headTree = worked ?? (await capture(turn, before));
    const state = await turn.states.current(taskId);
    await tell(turn, ...(await foundInWorkspace(repo, state, { baseTree, tree: headTree, keys })));
    return { kind: 'captured', headTree, isSeen: worked === undefined };
  } catch (error) {
    if (isOutOfHands(error)) throw error;
    // Whoever stops a turn does not wait for it: what follows the turn's end brings it home.
    if (await isStopped(turn)) return { kind: 'captured', headTree: before.tree, isSeen: false };
    turn.logger.error({ taskId, turnId, err: error }, 'the workspace could not be captured');
    return { kind: 'failed', failure: toFailure(inOurWords(error)) };
  }
}

/** A machine that is lost under it is woken or made anew by the next to open it, and then holds what can be captured. */
async function capture({ taskId, sandboxes, repo }: TurnContext, { tree, seen }: Before): Promise<string> {
  const once = async (): Promise<string> =>
    (await repo.capture(taskId, await sandboxes.open(taskId), tree, seen)).headTree;
  try {
    return await once();
  } catch (error) {
    if (!isLoss(error)) throw error;
    return await once();
  }
}

/** Whether the machine was lost under it, and may be there again for whoever opens it. */
export const isLoss = (error: unknown): boolean =>
  (error instanceof SandboxError && error.code === 'lost') ||
  (error instanceof AppError && error.code === 'sandbox_lost');
