import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { HASH_LENGTH, type Segment, segments } from '../protocol/hunks.ts';
import { blobSizes, readBlobs } from './objects.ts';
import { type RawChange, statusOf } from './raw-changes.ts';
import { createRecent, type Recent } from './recent.ts';
import { type RepoDeps, repoPath } from './repository.ts';
import { MAX_TEXT_BYTES, readTogether, type Texts, textOf } from './texts.ts';

/** What the two sides of a change are to a review. */
export type FileContent =
  /** `runs` is empty for a change of type, which is decided whole. */
  { kind: 'text'; runs: Segment[] } | { kind: 'binary' };

/** Comparisons of two contents that were made lately, by the names of the contents. They are always the same. */
export type RecentRuns = Recent<Segment[]>;

/** What a comparison takes of memory, about: two bytes a character, and an object for each line. */
const weightOf = (runs: Segment[]): number =>
  runs.reduce((sum, run) => {
    const lines = run.kind === 'same' ? run.lines : [...run.before, ...run.after];
    return lines.reduce((all, line) => all + 2 * line.length + BYTES_A_LINE, sum);
  }, 0);
const BYTES_A_LINE = 40;
/** Most memory for comparisons: a person decides on a review change by change, and each time what is accepted is composed anew. */
const RUNS_BYTES = 64 * 2 ** 20;

export const createRecentRuns = (): RecentRuns => createRecent(RUNS_BYTES, weightOf);

/**
 * Looks into each change, in order, holding no more than a few files in memory.
 * @param options.recent texts by name; those of the base's side are kept there, for the agent may change the same file again
 * @param options.runs what is known there is not read and compared again
 */
export async function eachContent(
  deps: RepoDeps,
  taskId: string,
  changes: RawChange[],
  visit: (change: RawChange, content: FileContent) => void,
  options: { recent?: Recent<string>; runs?: RecentRuns | undefined; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const repo = repoPath(deps, taskId);
  const { recent, runs, signal } = options;
  // Apart from what is remembered, which may be forgotten while others are read.
  const known = new Map<RawChange, FileContent>();
  for (const change of changes) {
    const compared = runs?.get(pairOf(change));
    if (compared !== undefined) known.set(change, { kind: 'text', runs: compared });
  }
  const contentOf = (change: RawChange, texts: Texts): FileContent => {
    const before = change.oldOid === null ? '' : texts.get(change.oldOid);
    const after = change.newOid === null ? '' : texts.get(change.newOid);
    if (change.oldOid !== null && before !== undefined) recent?.set(change.oldOid, before);
    const content = compare(change, before, after);
    if (content.kind === 'text') runs?.set(pairOf(change), content.runs);
    return content;
  };
  const visitAll = async (some: RawChange[], texts: Texts): Promise<void> => {
    for (const change of some) {
      signal?.throwIfAborted();
      visit(change, known.get(change) ?? contentOf(change, texts));
      // Comparing is work without a pause: let the relay serve others between files.
      await setImmediate();
    }
  };
  const unknown = oidsOf(changes.filter((change) => !known.has(change)));
  const together = await readTogether(deps.git, repo, unknown, options);
  if (together !== undefined) return visitAll(changes, together);

  const sizes = await blobSizes(deps.git, repo, [...unknown], signal);
  const isLarge = (oid: string | null) => oid !== null && (sizes.get(oid) ?? 0) > MAX_TEXT_BYTES;
  for (const batch of batchesOf(changes, (change) => sizeOf(change, sizes))) {
    const texts: Texts = new Map();
    const wanted = oidsOf(
      batch.filter((change) => !known.has(change) && !isLarge(change.oldOid) && !isLarge(change.newOid)),
    );
    await readBlobs(deps.git, repo, [...wanted], (oid, data) => texts.set(oid, textOf(data)), { signal });
    await visitAll(batch, texts);
  }
}

/** All that a comparison depends on: a change of type has none, whatever the contents. */
const pairOf = (change: RawChange): string => `${change.oldOid} ${change.newOid} ${statusOf(change)}`;

function compare(change: RawChange, before: string | undefined, after: string | undefined): FileContent {
  if (before === undefined || after === undefined) return { kind: 'binary' };
  if (statusOf(change) === 'type-changed') return { kind: 'text', runs: [] };
  return { kind: 'text', runs: segments(before, after, digest) };
}

/** The digest that names hunks, on the relay and in the editor. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}

function oidsOf(changes: RawChange[]): Set<string> {
  return new Set(changes.flatMap(({ oldOid, newOid }) => [oldOid, newOid].filter((oid) => oid !== null)));
}

/** How much text is read at once. */
const BATCH_BYTES = 16 * 2 ** 20;

function sizeOf({ oldOid, newOid }: RawChange, sizes: Map<string, number>): number {
  const size = (oid: string | null) => (oid === null ? 0 : Math.min(sizes.get(oid) ?? 0, MAX_TEXT_BYTES));
  return size(oldOid) + size(newOid);
}

/** Items, in order, as many together as may be read at once. */
export function batchesOf<Item>(items: Item[], size: (item: Item) => number): Item[][] {
  const batches: Item[][] = [];
  let room = 0;
  for (const item of items) {
    room -= size(item);
    const last = batches.at(-1);
    if (last !== undefined && room >= 0) last.push(item);
    else {
      batches.push([item]);
      room = BATCH_BYTES - size(item);
    }
  }
  return batches;
}
