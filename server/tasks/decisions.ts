import { AppError } from '../errors.ts';
import { unitsOf, withDecisions } from '../protocol/ledger.ts';
import type { Decided, Decision, FileChange, FileDecisions } from '../protocol/review.ts';

/**
 * Decisions with every unit named by its hash. Throws `bad_request` for a path that is not changed or named twice with one state,
 * `revision_changed` for a unit that the path does not have.
 */
export function decidedBy(decisions: readonly Decision[], files: readonly FileChange[]): Decided[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const named = new Set<string>();
  return decisions.map(({ path, hashes, state }) => {
    const file = byPath.get(path);
    if (file === undefined) throw notPossible(path, 'is not changed by the proposal');
    if (named.has(`${state}:${path}`)) throw notPossible(path, 'is named twice');
    named.add(`${state}:${path}`);
    const units = unitsOf(file);
    if (hashes === 'all') return { path, hashes: units, state };
    const known = new Set(units);
    if (hashes.every((hash) => known.has(hash))) return { path, hashes: [...new Set(hashes)], state };
    throw new AppError('revision_changed', `${JSON.stringify(path)} has no such change any more.`, {
      nextAction: 'Load the changes again and decide again; the agent has gone on.',
    });
  });
}

/** The units that the accepted tree is made of, once these decisions are added to those before. */
export function unitsToTake(
  files: readonly FileDecisions[],
  decisions: readonly Decided[],
): Map<string, ReadonlySet<string>> {
  return new Map(withDecisions(files, decisions).map(({ path, accepted }) => [path, new Set(accepted)]));
}

/** All units of the proposal but those that were rejected: what the person leaves the agent to go on with. */
export function unitsToKeep(
  files: readonly FileDecisions[],
  changes: readonly FileChange[],
): Map<string, ReadonlySet<string>> {
  const rejected = new Map(files.map((file) => [file.path, new Set(file.rejected)]));
  return new Map(
    changes.map((change) => [
      change.path,
      new Set(unitsOf(change).filter((hash) => !rejected.get(change.path)?.has(hash))),
    ]),
  );
}

function notPossible(path: string, why: string): AppError {
  return new AppError('bad_request', `${JSON.stringify(path)} ${why}.`, {
    nextAction: 'Load the changes again and decide again.',
  });
}
