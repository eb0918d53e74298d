import type { FileStatus } from '../protocol/review.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';

const REGULAR = /^100/;
/** The mode of a submodule. */
export const GITLINK = '160000';

/** One changed path before its content is looked at. */
export interface RawChange {
  path: string;
  oldMode: string | null;
  newMode: string | null;
  oldOid: string | null;
  newOid: string | null;
}

/**
 * Compares two trees without looking into files; renames are a deletion and an addition. Sorted by path, as Git sorts.
 * @param only the path to compare, with what is below it; all where it is absent
 */
export async function rawChanges(
  deps: RepoDeps,
  taskId: string,
  baseTree: string,
  headTree: string,
  signal?: AbortSignal,
  only?: string,
): Promise<RawChange[]> {
  const changes: RawChange[] = [];
  for (const change of await entryChanges(deps, taskId, baseTree, headTree, signal, only)) {
    const path = decodeUtf8(Buffer.from(change.path, 'latin1'));
    if (path === undefined || change.oldMode === GITLINK || change.newMode === GITLINK) continue;
    changes.push({ ...change, path });
  }
  return changes;
}

/**
 * Every entry that differs, those included that no review shows: submodules, and names that are not UTF-8.
 * @returns paths as bytes, one a character (`latin1`)
 */
export async function entryChanges(
  deps: RepoDeps,
  taskId: string,
  baseTree: string,
  headTree: string,
  signal?: AbortSignal,
  only?: string,
): Promise<RawChange[]> {
  if (baseTree === headTree) return [];
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--full-index'];
  const paths = only === undefined ? [] : ['--', only];
  const printed = await deps.git([...args, assertOid(baseTree), assertOid(headTree), ...paths], {
    repo: repoPath(deps, taskId),
    env: { GIT_LITERAL_PATHSPECS: '1' },
    maxOutputBytes: 2 ** 28,
    signal,
  });
  const changes: RawChange[] = [];
  const fields = printed.toString('latin1').split('\0');
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const path = String(fields[index + 1]);
    const [oldMode = '', newMode = '', oldOid = '', newOid = ''] = String(fields[index]).slice(1).split(' ');
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

/** What has become of a path; a link in a file's place is a change of type, the reverse too. */
export function statusOf({ oldMode, newMode }: RawChange): FileStatus {
  if (oldMode === null) return 'added';
  if (newMode === null) return 'deleted';
  return REGULAR.test(oldMode) === REGULAR.test(newMode) ? 'modified' : 'type-changed';
}

/** What Git prints with `-z`. */
export function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    const stop = end < 0 ? bytes.length : end;
    parts.push(bytes.subarray(start, stop));
    start = stop + 1;
  }
  return parts;
}

/** Undefined for what is not UTF-8. A byte order mark is part of the text. */
export function decodeUtf8(data: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}
