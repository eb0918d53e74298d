import type { ChangedFile } from '../protocol/review.ts';
import { describeChange } from './changes.ts';
import { eachContent, type FileContent } from './contents.ts';
import { type RawChange, rawChanges, statusOf } from './raw-changes.ts';
import { createRecent } from './recent.ts';
import type { RepoDeps } from './repository.ts';

type Counts = Pick<ChangedFile, 'binary' | 'additions' | 'deletions'>;

/** Changes whose counts are remembered, of all tasks together: some 2 MB. */
const REMEMBERED = 8192;
/** Most memory for the base's side of files that were changed, which are read again whenever the agent goes on with one of them. */
const TEXT_BYTES = 4 * 2 ** 20;

/**
 * What `listChanges` says of each file, without hunks and for many times less: what differs between two contents never changes, so
 * only the pairs that are new since the last capture are read. Where there is none, one `diff-tree` is all that runs.
 */
export function createChangedFiles(
  deps: RepoDeps,
  remembered = REMEMBERED,
): (taskId: string, baseTree: string, headTree: string) => Promise<ChangedFile[]> {
  const counted = createRecent<Counts>(remembered);
  // A character takes two bytes at most.
  const recent = createRecent<string>(TEXT_BYTES, (text) => text.length * 2);
  return async (taskId, baseTree, headTree) => {
    const changes = await rawChanges(deps, taskId, baseTree, headTree);
    // Apart from what is remembered, which may be forgotten while others are read.
    const found = new Map<RawChange, Counts>();
    for (const change of changes) {
      const known = counted.get(pairOf(change));
      if (known !== undefined) found.set(change, known);
    }
    const unseen = changes.filter((change) => !found.has(change));
    const count = (change: RawChange, content: FileContent): void => {
      const { binary, additions, deletions } = describeChange(change, content);
      found.set(change, { binary, additions, deletions });
      counted.set(pairOf(change), { binary, additions, deletions });
    };
    await eachContent(deps, taskId, unseen, count, { recent });
    return changes.map((change) => {
      const counts = found.get(change);
      if (counts === undefined) throw new Error(`was not looked into: ${change.path}`);
      return { path: change.path, status: statusOf(change), ...counts };
    });
  };
}

/** All that the counts depend on: a change of type has none, whatever the contents. */
function pairOf(change: RawChange): string {
  return `${change.oldOid} ${change.newOid} ${statusOf(change)}`;
}
