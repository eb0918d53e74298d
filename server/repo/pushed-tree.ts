import { AppError } from '../errors.ts';
import type { Uncommitted } from '../protocol/commands.ts';
import { mergeTrees } from './merge-trees.ts';
import { entryChanges } from './raw-changes.ts';
import { type RepoDeps, treeOf } from './repository.ts';

/** What a push is made of: a commit for each tree, on the commit that the person was on. */
export interface PushPlan {
  baseCommit: string;
  /** Of that commit. */
  baseTree: string;
  /** The person's uncommitted work by itself, where it is pushed along. */
  uncommittedTree?: string;
  /** What the branch holds in the end. */
  pushedTree: string;
}

export interface PlanRequest {
  taskId: string;
  /** What the task started from: a commit, and its tree with the uncommitted work laid over it. */
  prepared: { baseCommit: string; baseTree: string };
  acceptedTree: string;
  uncommitted: Uncommitted;
}

/**
 * Works out, from the accepted tree and nothing else, what is pushed for it: the same each time. Uncommitted work that the task started
 * from is a commit of its own, or is taken out of the accepted tree by a 3-way merge.
 *
 * Throws `uncommitted_conflict` where the two cannot be told apart, `nothing_accepted` where nothing would be left to push.
 */
export async function planPush(
  deps: RepoDeps,
  { taskId, prepared, acceptedTree, uncommitted }: PlanRequest,
  signal?: AbortSignal,
): Promise<PushPlan> {
  const { baseCommit, baseTree: startedFrom } = prepared;
  const baseTree = await treeOf(deps, taskId, baseCommit);
  if (acceptedTree === startedFrom) throw nothingAccepted('Nothing is accepted yet');
  const plan = { baseCommit, baseTree };
  if (startedFrom === baseTree) return { ...plan, pushedTree: acceptedTree };
  if (uncommitted === 'include') return { ...plan, uncommittedTree: startedFrom, pushedTree: acceptedTree };
  const { tree, conflicts } = await leaveOut(deps, { taskId, startedFrom, baseTree, acceptedTree }, signal);
  if (conflicts.length > 0) throw uncommittedConflict(conflicts);
  if (tree === baseTree) throw nothingAccepted('What is accepted is part of the uncommitted work');
  return { ...plan, pushedTree: tree };
}

/** The uncommitted work that a task started from, and the files in which it cannot be told from what was accepted. */
export async function uncommittedWork(
  deps: RepoDeps,
  { taskId, prepared, acceptedTree }: Omit<PlanRequest, 'uncommitted'>,
  signal?: AbortSignal,
): Promise<{ files: number; conflicts: string[] }> {
  const startedFrom = prepared.baseTree;
  const baseTree = await treeOf(deps, taskId, prepared.baseCommit);
  const { length: files } = await entryChanges(deps, taskId, baseTree, startedFrom, signal);
  const { conflicts } = await leaveOut(deps, { taskId, startedFrom, baseTree, acceptedTree }, signal);
  return { files, conflicts };
}

/** The trees of a plan's commits with the one before: what each of them adds is what is pushed. */
export function stepsOf({ baseTree, uncommittedTree, pushedTree }: PushPlan): [from: string, to: string][] {
  if (uncommittedTree === undefined) return [[baseTree, pushedTree]];
  return [
    [baseTree, uncommittedTree],
    [uncommittedTree, pushedTree],
  ];
}

interface Trees {
  taskId: string;
  startedFrom: string;
  baseTree: string;
  acceptedTree: string;
}

function leaveOut(
  deps: RepoDeps,
  { taskId, startedFrom, baseTree, acceptedTree }: Trees,
  signal: AbortSignal | undefined,
): Promise<{ tree: string; conflicts: string[] }> {
  const labels = { ours: 'committed', theirs: 'accepted' };
  return mergeTrees(
    deps,
    { taskId, base: startedFrom, ours: baseTree, theirs: acceptedTree, labels },
    signal,
  );
}

const NAMED_PATHS = 10;

function uncommittedConflict(paths: string[]): AppError {
  const more = paths.length > NAMED_PATHS ? ` and ${paths.length - NAMED_PATHS} more` : '';
  const named = paths.slice(0, NAMED_PATHS).map((path) => JSON.stringify(path));
  return new AppError(
    'uncommitted_conflict',
    `What was accepted in ${named.join(', ')}${more} builds on work that was not committed.`,
    {
      nextAction: 'Include that work as a commit of its own, or accept only changes that do not touch it.',
    },
  );
}

const nothingAccepted = (why: string): AppError =>
  new AppError('nothing_accepted', `${why}, so there is nothing to push.`, {
    nextAction: 'Accept at least one change.',
  });
