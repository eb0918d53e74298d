import { unitStates, unitsOf } from '../../server/protocol/ledger.ts';
import type { Changes, FileChange, FileDecisions, Hunk, UnitState } from '../../server/protocol/review.ts';
import type { Part } from './decisions.ts';

/** What the person decides at once: a hunk, what of a file is no line of text, or a rename with both of its paths. */
export interface ReviewItem {
  /** Unique in its file, and the same in later revisions. */
  hash: string;
  kind: 'hunk' | 'whole' | 'rename';
  /** Of kind `hunk`. */
  hunk?: Hunk;
  parts: Part[];
  state: UnitState;
}

/** A file as the review shows it: once, also where it was renamed. */
export interface ReviewFile {
  file: FileChange;
  /** What it was called before. */
  from?: FileChange;
  items: ReviewItem[];
}

export interface Counts {
  total: number;
  accepted: number;
  rejected: number;
}

/** The files of a review with what is decided of them, in the order of reading. */
export function outlineOf(changes: Changes, decided: readonly FileDecisions[]): ReviewFile[] {
  const byPath = new Map(changes.files.map((file) => [file.path, file]));
  const decisions = new Map(decided.map((file) => [file.path, file]));
  const statesOf = (file: FileChange) => {
    const known = decisions.get(file.path);
    return unitStates(known ? [known] : [], file);
  };
  const sources = new Set<string>();
  for (const { renamedFrom } of changes.files)
    if (renamedFrom !== undefined && byPath.has(renamedFrom)) sources.add(renamedFrom);
  return changes.files
    .filter(({ path }) => !sources.has(path))
    .map((file) => {
      const from = file.renamedFrom === undefined ? undefined : byPath.get(file.renamedFrom);
      if (!from) return { file, items: itemsOf(file, statesOf(file)) };
      const states = [...statesOf(from).values(), ...statesOf(file).values()];
      const rename: ReviewItem = {
        hash: unitsOf(file)[0] ?? file.path,
        kind: 'rename',
        parts: [from, file].map((side) => ({ path: side.path, hashes: unitsOf(side) })),
        state: togetherOf(states),
      };
      return { file, from, items: [rename] };
    });
}

function itemsOf(file: FileChange, states: ReadonlyMap<string, UnitState>): ReviewItem[] {
  const itemOf = (hash: string): Omit<ReviewItem, 'kind'> => ({
    hash,
    parts: [{ path: file.path, hashes: [hash] }],
    state: states.get(hash) ?? 'pending',
  });
  const hunks = file.hunks.map((hunk): ReviewItem => ({ ...itemOf(hunk.hash), kind: 'hunk', hunk }));
  return file.whole === undefined ? hunks : [{ ...itemOf(file.whole), kind: 'whole' }, ...hunks];
}

/** What is decided of parts that are one to the person: nothing, as long as they differ. */
function togetherOf(states: readonly UnitState[]): UnitState {
  const [first = 'pending'] = states;
  return states.every((state) => state === first) ? first : 'pending';
}

/** All that is to be decided of these items, each path once. */
export function partsOf(items: readonly ReviewItem[]): Part[] {
  const byPath = new Map<string, Part>();
  for (const { path, hashes } of items.flatMap(({ parts }) => parts)) {
    const known = byPath.get(path);
    if (known) known.hashes.push(...hashes);
    else byPath.set(path, { path, hashes: [...hashes] });
  }
  return [...byPath.values()];
}

export function countsOf(files: readonly Pick<ReviewFile, 'items'>[]): Counts {
  const counts = { total: 0, accepted: 0, rejected: 0 };
  for (const { items } of files) {
    for (const { state } of items) {
      counts.total += 1;
      if (state !== 'pending') counts[state] += 1;
    }
  }
  return counts;
}

/** The hashes of a file that the person took out of the proposal. */
export function rejectedOf(decided: readonly FileDecisions[], path: string): ReadonlySet<string> {
  return new Set(decided.find((file) => file.path === path)?.rejected);
}
