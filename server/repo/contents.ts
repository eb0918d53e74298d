import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { HASH_LENGTH, type Segment, segments } from '../protocol/hunks.ts';
import { blobSizes, readBlobs } from './objects.ts';
import { type RawChange, statusOf } from './raw-changes.ts';
import type { Recent } from './recent.ts';
import { type RepoDeps, repoPath } from './repository.ts';
import { MAX_TEXT_BYTES, readTogether, type Texts, textOf } from './texts.ts';

/** What the two sides of a change are to a review. */
export type FileContent =
  /** `runs` is empty for a change of type, which is decided whole. */
  { kind: 'text'; runs: Segment[] } | { kind: 'binary' };

/**
 * Looks into each change, in order, holding no more than a few files in memory.
 * @param options.recent texts by name; those of the base's side are kept there, for the agent may change the same file again
 */
export async function eachContent(
  deps: RepoDeps,
  taskId: string,
  changes: RawChange[],
  visit: (change: RawChange, content: FileContent) => void,
  options: { recent?: Recent<string>; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const repo = repoPath(deps, taskId);
  const { recent, signal } = options;
  const visitAll = async (some: RawChange[], texts: Texts): Promise<void> => {
    for (const change of some) {
      signal?.throwIfAborted();
      const before = change.oldOid === null ? '' : texts.get(change.oldOid);
      const after = change.newOid === null ? '' : texts.get(change.newOid);
      if (change.oldOid !== null && before !== undefined) recent?.set(change.oldOid, before);
      visit(change, contentOf(change, before, after));
      // Comparing is work without a pause: let the relay serve others between files.
      await setImmediate();
    }
  };
  const together = await readTogether(deps.git, repo, oidsOf(changes), options);
  if (together !== undefined) return visitAll(changes, together);

  const sizes = await blobSizes(deps.git, repo, [...oidsOf(changes)], signal);
  const isLarge = (oid: string | null) => oid !== null && (sizes.get(oid) ?? 0) > MAX_TEXT_BYTES;
  for (const batch of batchesOf(changes, (change) => sizeOf(change, sizes))) {
    const texts: Texts = new Map();
    const wanted = oidsOf(batch.filter(({ oldOid, newOid }) => !isLarge(oldOid) && !isLarge(newOid)));
    await readBlobs(deps.git, repo, [...wanted], (oid, data) => texts.set(oid, textOf(data)), { signal });
    await visitAll(batch, texts);
  }
}

function contentOf(change: RawChange, before: string | undefined, after: string | undefined): FileContent {
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
