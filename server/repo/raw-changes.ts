import type { FileStatus } from '../protocol/review.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';

const REGULAR = /^100/;
const GITLINK = '160000';

/** One changed path before its content is looked at. */
export interface RawChange {
  path: string;
  oldMode: string | null;
  newMode: string | null;
  oldOid: string | null;
  newOid: string | null;
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

/** What has become of a path; a link in a file's place is a change of type, the reverse too. */
export function statusOf({ oldMode, newMode }: RawChange): FileStatus {
  if (oldMode === null) return 'added';
  if (newMode === null) return 'deleted';
  return REGULAR.test(oldMode) === REGULAR.test(newMode) ? 'modified' : 'type-changed';
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

/** Undefined for what is not UTF-8. A byte order mark is part of the text. */
export function decodeUtf8(data: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}
