import type { TurnRepo } from '../agent/turn-context.ts';
import type { NewEvent } from '../protocol/events.ts';
import type { Proposal } from '../protocol/task.ts';

/**
 * What is to be told once the workspace holds `headTree`: the next revision of the proposal, or nothing where that is what is proposed.
 * @param proposal the newest so far; undefined where the base is all there is
 */
export async function nextProposal(
  repo: Pick<TurnRepo, 'changedFiles'>,
  taskId: string,
  proposal: Proposal | undefined,
  { baseTree, headTree }: { baseTree: string; headTree: string },
): Promise<Extract<NewEvent, { type: 'proposal.changed' }> | undefined> {
  if (headTree === (proposal?.headTree ?? baseTree)) return undefined;
  const revision = (proposal?.revision ?? 0) + 1;
  const files = await repo.changedFiles(taskId, baseTree, headTree);
  return { type: 'proposal.changed', revision, baseTree, headTree, files };
}
