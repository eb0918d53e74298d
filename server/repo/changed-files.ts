import type { ChangedFile } from '../protocol/review.ts';
import { describeChange, eachContent, type RawChange, rawChanges, statusOf } from './changes.ts';
import { createRecent } from './recent.ts';
import type { RepoDeps } from './repository.ts';

type Counts = Pick<ChangedFile, 'binary' | 'additions' | 'deletions'>;

/** Changes whose counts are remembered, of all tasks together: some 2 MB. */
const REMEMBERED = 8192;

/**
 * What `listChanges` says of each file, without hunks and for many times less: what differs between two contents never changes, so
 * only the pairs that are new since the last capture are read. Where there is none, one `diff-tree` is all that runs.
 */
export function createChangedFiles(
  deps: RepoDeps,
  remembered = REMEMBERED,
): (taskId: string, baseTree: string, headTree: string) => Promise<ChangedFile[]> {
  const recent = createRecent<Counts>(remembered);
  return async (taskId, baseTree, headTree) => {
    const changes = await rawChanges(deps, taskId, baseTree, headTree);
    // Apart from what is remembered, which may be forgotten while others are read.
    const counts = new Map<RawChange, Counts>();
    for (const change of changes) {
      const known = recent.get(pairOf(change));
      if (known !== undefined) counts.set(change, known);
    }
    const unseen = changes.filter((change) => !counts.has(change));
    await eachContent(deps, taskId, unseen, (change, content) => {
      const { binary, additions, deletions } = describeChange(change, content);
      counts.set(change, { binary, additions, deletions });
      recent.set(pairOf(change), { binary, additions, deletions });
    });
    return changes.map((change) => {
      const counted = counts.get(change);
      if (counted === undefined) throw new Error(`was not looked into: ${change.path}`);
      return { path: change.path, status: statusOf(change), ...counted };
    });
  };
}

/** All that the counts depend on: a change of type has none, whatever the contents. */
function pairOf(change: RawChange): string {
  return `${change.oldOid} ${change.newOid} ${statusOf(change)}`;
}
