import { AppError } from '../errors.ts';
import { hunksOf } from '../protocol/hunks.ts';
import type { FileChange } from '../protocol/review.ts';
import { digest, eachContent, type FileContent, type RecentRuns } from './contents.ts';
import { GitError } from './git.ts';
import { type RawChange, rawChanges, statusOf } from './raw-changes.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';

/** The most that one answer may carry, for it passes through memory. */
const MAX_BLOB_BYTES = 2 ** 28;
const MAX_PATCH_BYTES = 2 ** 28;

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
    { signal },
  );
  return files;
}

/** What differs at one path, with nothing else looked at; undefined where nothing does. */
export async function changeAt(
  deps: RepoDeps & { runs?: RecentRuns },
  taskId: string,
  { baseTree, headTree }: { baseTree: string; headTree: string },
  path: string,
): Promise<FileChange | undefined> {
  const raw = await rawChanges(deps, taskId, baseTree, headTree, undefined, path);
  let found: FileChange | undefined;
  await eachContent(
    deps,
    taskId,
    raw.filter((change) => change.path === path),
    (change, content) => {
      found = describeChange(change, content);
    },
    { runs: deps.runs },
  );
  return found;
}

/** A changed path with what its content says. */
export function describeChange(change: RawChange, content: FileContent): FileChange {
  const hunks = content.kind === 'text' ? hunksOf(content.runs) : [];
  const whole = wholeOf(change, hunks.length > 0);
  return {
    ...change,
    ...(whole === undefined ? {} : { whole }),
    status: statusOf(change),
    binary: content.kind === 'binary',
    additions: hunks.reduce((sum, hunk) => sum + hunk.newLines, 0),
    deletions: hunks.reduce((sum, hunk) => sum + hunk.oldLines, 0),
    hunks,
  };
}

/** Identity of what of a change is no line of text. With hunks that is its mode, without it is everything. */
export function wholeOf(
  { oldMode, newMode, oldOid, newOid }: RawChange,
  hasHunks: boolean,
): string | undefined {
  if (!hasHunks) return digest(JSON.stringify(['whole', oldMode, newMode, oldOid, newOid]));
  const isModeChange = oldMode !== null && newMode !== null && oldMode !== newMode;
  return isModeChange ? digest(JSON.stringify(['mode', oldMode, newMode])) : undefined;
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
