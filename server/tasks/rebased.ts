import type { MergedTrees, TreesToMerge } from '../repo/merge-trees.ts';

/** Work on one base brought onto another. The same words at conflict markers each time, so that the same work is the same tree. */
export function rebased(
  repo: { merge(trees: TreesToMerge): Promise<MergedTrees> },
  taskId: string,
  work: { tree: string; from: string; to: string },
): Promise<MergedTrees> {
  const labels = { ours: 'proposal', theirs: 'newer commit' };
  return repo.merge({ taskId, base: work.from, ours: work.tree, theirs: work.to, labels });
}
