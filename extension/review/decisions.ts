import type { AcceptedFile, Changes, FileChange, PutReview } from '../../server/protocol/review.ts';

/** What the person accepted, by path: the whole file, or some of its hunks. */
export type Accepted = ReadonlyMap<string, AcceptedFile['hunks']>;

export function fromAccepted(files: AcceptedFile[]): Accepted {
  return new Map(files.map(({ path, hunks }) => [path, hunks]));
}

/** The decision as the relay takes it, in the order of the paths. */
export function toPutReview(revision: number, accepted: Accepted): PutReview {
  const paths = [...accepted.keys()].sort();
  return { revision, accepted: paths.map((path) => ({ path, hunks: accepted.get(path) ?? [] })) };
}

/** With these whole files accepted, or no longer so. Paths that the proposal does not change are left out. */
export function decide(
  accepted: Accepted,
  changes: Changes,
  paths: Iterable<string>,
  yes: boolean,
): Accepted {
  const known = new Set(changes.files.map(({ path }) => path));
  const next = new Map(accepted);
  for (const path of paths) {
    if (yes && known.has(path)) next.set(path, 'all');
    else next.delete(path);
  }
  return next;
}

/** What stays accepted when the proposal has moved on: files of the same content, and hunks that are still there. */
export function carryOver(accepted: Accepted, before: Changes, after: Changes): Accepted {
  const old = new Map(before.files.map((file) => [file.path, file]));
  const kept = new Map<string, AcceptedFile['hunks']>();
  for (const file of after.files) {
    const decision = accepted.get(file.path);
    const previous = old.get(file.path);
    if (decision === undefined || previous === undefined) continue;
    if (isSameChange(previous, file)) {
      kept.set(file.path, decision);
    } else if (decision !== 'all') {
      const still = new Set(file.hunks.map(({ hash }) => hash));
      const hunks = decision.filter((hash) => still.has(hash));
      if (hunks.length > 0) kept.set(file.path, hunks);
    }
  }
  return kept;
}

function isSameChange(a: FileChange, b: FileChange): boolean {
  return a.oldOid === b.oldOid && a.newOid === b.newOid && a.oldMode === b.oldMode && a.newMode === b.newMode;
}
