import { unitStates, unitsOf } from '../../server/protocol/ledger.ts';
import type {
  Changes,
  Decision,
  FileChange,
  FileDecisions,
  UnitState,
} from '../../server/protocol/review.ts';

/** Some units of one path. */
export interface Part {
  path: string;
  hashes: string[];
}

/**
 * These parts decided alike. Units are always named: what the person decides is what they see, and no more, whatever the agent has
 * proposed since.
 */
export function decideParts(parts: readonly Part[], state: UnitState): Decision[] {
  return parts.filter(({ hashes }) => hashes.length > 0).map(({ path, hashes }) => ({ path, hashes, state }));
}

/** All units of these files that are decided in a way that is wanted. Paths that the proposal does not change are left out. */
export function partsOfFiles(
  { changes, decided }: { changes: Changes; decided: readonly FileDecisions[] },
  paths: Iterable<string>,
  isWanted: (state: UnitState) => boolean = () => true,
): Part[] {
  const wanted = new Set(paths);
  return changes.files
    .filter(({ path }) => wanted.has(path))
    .map((file) => {
      const states = unitStates(decided, file);
      return {
        path: file.path,
        hashes: unitsOf(file).filter((hash) => isWanted(states.get(hash) ?? 'pending')),
      };
    });
}

/** Everything that is not decided, decided alike. */
export function decisionsOnRest(
  review: { changes: Changes; decided: readonly FileDecisions[] },
  state: UnitState,
): Decision[] {
  const paths = review.changes.files.map(({ path }) => path);
  return decideParts(
    partsOfFiles(review, paths, (now) => now === 'pending'),
    state,
  );
}

/** What is decided of a file as a whole: undefined where its units differ. */
export function fileState(decided: readonly FileDecisions[], file: FileChange): UnitState | undefined {
  const states = new Set(unitStates(decided, file).values());
  const [only] = states;
  return states.size === 1 ? only : undefined;
}

const STATES: readonly UnitState[] = ['pending', 'accepted', 'rejected'];

/** The decisions that bring back what was decided before these. */
export function inverseOf(decided: readonly FileDecisions[], decisions: readonly Decision[]): Decision[] {
  const before = new Map(decided.map((file) => [file.path, file]));
  return decisions.flatMap(({ path, hashes }) => {
    if (hashes === 'all') return [];
    const accepted = new Set(before.get(path)?.accepted);
    const rejected = new Set(before.get(path)?.rejected);
    const stateOf = (hash: string): UnitState =>
      accepted.has(hash) ? 'accepted' : rejected.has(hash) ? 'rejected' : 'pending';
    return STATES.flatMap((state) =>
      decideParts([{ path, hashes: hashes.filter((hash) => stateOf(hash) === state) }], state),
    );
  });
}
