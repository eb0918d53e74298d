import { unitStates } from '../../server/protocol/ledger.ts';
import type {
  Changes,
  Decision,
  FileChange,
  FileDecisions,
  UnitState,
} from '../../server/protocol/review.ts';

/** These files decided as a whole. Paths that the proposal does not change are left out. */
export function decideFiles(changes: Changes, paths: Iterable<string>, state: UnitState): Decision[] {
  const known = new Set(changes.files.map(({ path }) => path));
  return [...new Set(paths)]
    .filter((path) => known.has(path))
    .map((path) => ({ path, hashes: 'all', state }));
}

/** What is decided of a file as a whole: undefined where its units differ. */
export function fileState(decided: readonly FileDecisions[], file: FileChange): UnitState | undefined {
  const states = new Set(unitStates(decided, file).values());
  const [only] = states;
  return states.size === 1 ? only : undefined;
}
