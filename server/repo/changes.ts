import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { hunksOf, type Segment, segments } from '../protocol/hunks.ts';
import type { FileChange } from '../protocol/review.ts';
import { GitError } from './git.ts';
import { blobSizes, readBlobs } from './objects.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';

/** A larger file is decided whole, without hunks, as a binary one is. */
const MAX_TEXT_BYTES = 5 * 2 ** 20;
/** The most that one answer may carry, for it passes through memory. */
const MAX_BLOB_BYTES = 2 ** 28;
const MAX_PATCH_BYTES = 2 ** 28;

const REGULAR = /^100/;
const GITLINK = '160000';

/** The digest that names hunks, on the relay and in the editor. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** One changed path before its content is looked at. */
export interface RawChange {
  path: string;
  oldMode: string | null;
  newMode: string | null;
  oldOid: string | null;
  newOid: string | null;
}

/**
 * What differs between two trees, by path. Submodules are not reviewed and so never part of it; neither is a path that is not
 * UTF-8, which no JSON can carry: both stay as they are in the base.
 */
export async function listChanges(
  deps: RepoDeps,
  taskId: string,
  baseTree: string,
  headTree: string,
  signal?: AbortSignal,
): Promise<FileChange[]> {
  const raw = await rawChanges(deps, taskId, baseTree, headTree, signal);
  const files: FileChange[] = [];
  await eachContent(
    deps,
    taskId,
    raw,
    (change, content) => {
      files.push(describeChange(change, content));
    },
    signal,
  );
  return files;
}

/** A changed path with what its content says. */
export function describeChange(change: RawChange, content: FileContent): FileChange {
  const hunks = content.kind === 'text' ? hunksOf(content.runs) : [];
  return {
    ...change,
    status: statusOf(change),
    binary: content.kind === 'binary',
    additions: hunks.reduce((sum, hunk) => sum + hunk.newLines, 0),
    deletions: hunks.reduce((sum, hunk) => sum + hunk.oldLines, 0),
    hunks,
  };
}

export function statusOf({ oldMode, newMode }: RawChange): FileChange['status'] {
  if (oldMode === null) return 'added';
  if (newMode === null) return 'deleted';
  return REGULAR.test(oldMode) === REGULAR.test(newMode) ? 'modified' : 'type-changed';
}

/** Compares two trees without looking into files; renames are a deletion and an addition. Sorted by path, as Git sorts. */
export async function rawChanges(
  deps: RepoDeps,
  taskId: string,
  baseTree: string,
  headTree: string,
  signal?: AbortSignal,
): Promise<RawChange[]> {
  if (baseTree === headTree) return [];
  const printed = await deps.git(
    [
      'diff-tree',
      '-r',
      '-z',
      '--raw',
      '--no-renames',
      '--full-index',
      assertOid(baseTree),
      assertOid(headTree),
    ],
    { repo: repoPath(deps, taskId), maxOutputBytes: 2 ** 28, signal },
  );
  const changes: RawChange[] = [];
  const fields = splitAtNul(printed);
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [oldMode = '', newMode = '', oldOid = '', newOid = ''] = String(fields[index]).slice(1).split(' ');
    const path = decodeUtf8(fields[index + 1] ?? Buffer.alloc(0));
    if (path === undefined || oldMode === GITLINK || newMode === GITLINK) continue;
    changes.push({
      path,
      oldMode: oldMode === '000000' ? null : oldMode,
      newMode: newMode === '000000' ? null : newMode,
      oldOid: oldMode === '000000' ? null : oldOid,
      newOid: newMode === '000000' ? null : newOid,
    });
  }
  return changes;
}

/** What the two sides of a change are to a review. */
export type FileContent =
  /** `runs` is empty for a change of type, which is decided whole. */
  { kind: 'text'; runs: Segment[] } | { kind: 'binary' };

/** Looks into each change, in order, holding no more than a few files in memory. */
export async function eachContent(
  deps: RepoDeps,
  taskId: string,
  changes: RawChange[],
  visit: (change: RawChange, content: FileContent) => void,
  signal?: AbortSignal,
): Promise<void> {
  const repo = repoPath(deps, taskId);
  const oids = new Set(
    changes.flatMap(({ oldOid, newOid }) => [oldOid, newOid].filter((oid) => oid !== null)),
  );
  const sizes = await blobSizes(deps.git, repo, [...oids], signal);
  const isLarge = (oid: string | null) => oid !== null && (sizes.get(oid) ?? 0) > MAX_TEXT_BYTES;
  for (const batch of batchesOf(changes, (change) => sizeOf(change, sizes))) {
    const texts = new Map<string, string | undefined>();
    const wanted = new Set(
      batch
        .filter((change) => !isLarge(change.oldOid) && !isLarge(change.newOid))
        .flatMap(({ oldOid, newOid }) => [oldOid, newOid].filter((oid) => oid !== null)),
    );
    await readBlobs(deps.git, repo, [...wanted], (oid, data) => texts.set(oid, textOf(data)), signal);
    for (const change of batch) {
      signal?.throwIfAborted();
      const before = change.oldOid === null ? '' : texts.get(change.oldOid);
      const after = change.newOid === null ? '' : texts.get(change.newOid);
      if (before === undefined || after === undefined) visit(change, { kind: 'binary' });
      else if (statusOf(change) === 'type-changed') visit(change, { kind: 'text', runs: [] });
      else visit(change, { kind: 'text', runs: segments(before, after, digest) });
      // Comparing is work without a pause: let the relay serve others between files.
      await setImmediate();
    }
  }
}

/** How much text is read at once. */
const BATCH_BYTES = 16 * 2 ** 20;

function sizeOf({ oldOid, newOid }: RawChange, sizes: Map<string, number>): number {
  const size = (oid: string | null) => (oid === null ? 0 : Math.min(sizes.get(oid) ?? 0, MAX_TEXT_BYTES));
  return size(oldOid) + size(newOid);
}

function batchesOf<Item>(items: Item[], size: (item: Item) => number): Item[][] {
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

/** A file's text; undefined for what is not text: a NUL byte, or not UTF-8. A byte order mark is part of the text. */
function textOf(data: Buffer): string | undefined {
  return data.includes(0) ? undefined : decodeUtf8(data);
}

function decodeUtf8(data: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    const stop = end < 0 ? bytes.length : end;
    parts.push(bytes.subarray(start, stop));
    start = stop + 1;
  }
  return parts;
}

/** A file's content. The task's repository holds nothing but the task's own objects. Throws `not_found`, `too_large`. */
export async function readBlob(
  deps: RepoDeps,
  taskId: string,
  oid: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const repo = repoPath(deps, taskId);
  const nextAction = 'Load the changes again; the agent may have gone on.';
  try {
    return await deps.git(['cat-file', 'blob', assertOid(oid)], {
      repo,
      maxOutputBytes: MAX_BLOB_BYTES,
      signal,
    });
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    if (cause.exitCode !== null)
      throw new AppError('not_found', `No file content ${oid}.`, { cause, nextAction });
    throw new AppError('too_large', `The file content ${oid} is too large to be shown.`, { cause });
  }
}

/** The difference between two trees as a patch that `git apply` takes, binary files included. */
export async function patchOf(
  deps: RepoDeps,
  taskId: string,
  fromTree: string,
  toTree: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const options = [
    '--binary',
    '--full-index',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
  ];
  return deps.git(['diff-tree', '-r', '-p', ...options, assertOid(fromTree), assertOid(toTree)], {
    repo: repoPath(deps, taskId),
    maxOutputBytes: MAX_PATCH_BYTES,
    signal,
  });
}
