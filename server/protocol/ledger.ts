import type { Decided, FileChange, FileDecisions, UnitState } from './review.ts';

/** Everything of a changed file that is decided on its own: its hunks, and what is no line of text. */
export function unitsOf({ hunks, whole }: Pick<FileChange, 'hunks' | 'whole'>): string[] {
  const hashes = hunks.map(({ hash }) => hash);
  return whole === undefined ? hashes : [...hashes, whole];
}

/** With these decisions, later ones outdoing earlier ones. Sorted by path; paths of which nothing is decided are not in it. */
export function withDecisions(
  files: readonly FileDecisions[],
  decisions: readonly Decided[],
): FileDecisions[] {
  if (decisions.length === 0) return [...files];
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const { path, hashes, state } of decisions) {
    const gone = new Set(hashes);
    const { accepted = [], rejected = [] } = byPath.get(path) ?? {};
    const without = (some: readonly string[]) => some.filter((hash) => !gone.has(hash));
    byPath.set(path, {
      path,
      accepted: state === 'accepted' ? [...without(accepted), ...hashes] : without(accepted),
      rejected: state === 'rejected' ? [...without(rejected), ...hashes] : without(rejected),
    });
  }
  return [...byPath.values()]
    .filter(({ accepted, rejected }) => accepted.length + rejected.length > 0)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What is decided of each unit that the file has now. */
export function unitStates(
  files: readonly FileDecisions[],
  change: Pick<FileChange, 'path' | 'hunks' | 'whole'>,
): Map<string, UnitState> {
  const decided = files.find(({ path }) => path === change.path);
  const accepted = new Set(decided?.accepted);
  const rejected = new Set(decided?.rejected);
  return new Map(
    unitsOf(change).map((hash) => {
      if (accepted.has(hash)) return [hash, 'accepted'];
      return [hash, rejected.has(hash) ? 'rejected' : 'pending'];
    }),
  );
}
