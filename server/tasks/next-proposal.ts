import { divergence } from '../agent/agents/divergence.ts';
import type { TurnRepo } from '../agent/turn-context.ts';
import type { NewEvent } from '../protocol/events.ts';
import type { Proposal, TaskState } from '../protocol/task.ts';
import type { KeyedEvent } from './event-log.ts';

/**
 * What is to be told once the proposal is `headTree`: its next revision, or nothing where that is what is proposed.
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

/** What a workspace is known to hold. */
export const workspaceTreeOf = ({ workspaceTree }: TaskState, baseTree: string): string =>
  workspaceTree ?? baseTree;

/**
 * What is to be told once the workspace was found to hold `tree`. Only what is new there is the agent's: where the person has
 * changed the proposal since the workspace was known, that stands, and the agent's work is merged into it; where both changed the same,
 * that is told with what the workspace holds. What explorers had found there may hold no more: that is told, too.
 * @param options.keys what their keys begin with; not used before, unless for this very finding
 * @param options.by who changed it: an agent's id, the newest turn's lead where absent
 */
export async function foundInWorkspace(
  repo: Pick<TurnRepo, 'changedFiles' | 'merge' | 'changedBlobs'>,
  state: TaskState,
  {
    baseTree,
    tree,
    keys,
    by = state.turns.at(-1)?.turnId,
  }: { baseTree: string; tree: string; keys: string; by?: string | undefined },
): Promise<KeyedEvent[]> {
  const { taskId, proposal } = state;
  const known = workspaceTreeOf(state, baseTree);
  if (tree === known || state.isWorkspacePast) return [];
  const proposed = proposal?.headTree ?? baseTree;
  const labels = { ours: 'your edits', theirs: 'the agent' };
  const { tree: headTree, conflicts } =
    proposed === known
      ? { tree, conflicts: [] }
      : await repo.merge({ taskId, base: known, ours: proposed, theirs: tree, labels });
  const changed = await nextProposal(repo, taskId, proposal, { baseTree, headTree });
  const unmerged = conflicts.length === 0 ? {} : { conflicts };
  const set: KeyedEvent = {
    key: `${keys}:workspace`,
    event: { type: 'workspace.set', headTree: tree, ...unmerged },
  };
  // The agent's own revision is what its workspace holds, unless something else is told.
  const found = changed ? [{ key: keys, event: changed }, ...(headTree === tree ? [] : [set])] : [set];
  if (by === undefined) return found;
  return [...found, ...(await divergence(repo, state, { from: known, to: tree, by }))];
}
