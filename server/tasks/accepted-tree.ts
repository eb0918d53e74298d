import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { NewEvent } from '../protocol/events.ts';
import type { Decided } from '../protocol/review.ts';
import type { Proposal, TaskState } from '../protocol/task.ts';
import type { Composed, Selected } from '../repo/compose-tree.ts';
import { unitsToTake } from './decisions.ts';
import type { HoldTask } from './task-hold.ts';

export interface DecidingRepo {
  /** Base and these units of the proposal; see `composeTree`. */
  compose(taskId: string, selected: Omit<Selected, 'taskId'>): Promise<Composed>;
}

type DecisionEvent = { key: string; event: Extract<NewEvent, { type: 'review.decided' }> };

/**
 * The event that adds these decisions to those before, with the tree that is accepted by all of them together. Earlier ones that the
 * proposal has no place for any more are carried along and have no effect; throws `bad_request` where that would be so of a new one.
 * @param state of the task, which is held meanwhile
 */
export async function decisionEvent(
  repo: DecidingRepo,
  state: TaskState,
  { revision, baseTree, headTree }: Pick<Proposal, 'revision' | 'baseTree' | 'headTree'>,
  decisions: Decided[],
): Promise<DecisionEvent> {
  const units = unitsToTake(state.review?.files ?? [], decisions);
  const selected = { baseTree, headTree, units, isCarried: true };
  const { tree, leftOut } = await repo.compose(state.taskId, selected);
  const named = new Set(decisions.map(({ path }) => path));
  const impossible = leftOut.find(({ path, needs }) => named.has(path) || named.has(needs));
  if (impossible) throw notPossible(impossible);
  return {
    key: `review:${randomUUID()}`,
    event: { type: 'review.decided', revision, decisions, acceptedTree: tree },
  };
}

/** Brings what is accepted up to the newest revision, where something is decided and was decided on an earlier one. */
export async function carryDecisions(
  { hold, repo }: { hold: HoldTask; repo: DecidingRepo },
  taskId: string,
): Promise<void> {
  await hold(taskId, async ({ state, append }) => {
    const { review, proposal } = state;
    if (!review || !proposal || review.revision === proposal.revision) return;
    await append([await decisionEvent(repo, state, proposal, [])]);
  });
}

function notPossible({ path, needs }: Composed['leftOut'][number]): AppError {
  const [file, other] = [path, needs].map((name) => JSON.stringify(name));
  return new AppError('bad_request', `${file} needs the deletion of ${other} as well.`, {
    nextAction: 'Decide on both alike.',
  });
}
