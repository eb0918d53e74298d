import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { AcceptedChange } from './gather.ts';

/** `at` is the path that the disk has it under now. */
export type PlacedChange = AcceptedChange & { at?: string };

/**
 * Where the disk takes two paths for one file (it tells no upper case from lower, or the names are links to the same), deleting the one
 * and making the other is a change of that file and its name: deleting it would take the other one along.
 */
export async function joinSameFiles(
  root: string,
  changes: readonly AcceptedChange[],
): Promise<PlacedChange[]> {
  const deleted = new Map<string, AcceptedChange>();
  for (const change of changes) {
    const id = change.newMode === null ? await identityOf(root, change.path) : undefined;
    if (id !== undefined) deleted.set(id, change);
  }
  if (deleted.size === 0) return [...changes];
  const joined = new Set<AcceptedChange>();
  const kept: PlacedChange[] = [];
  for (const change of changes) {
    const id = change.oldMode === null ? await identityOf(root, change.path) : undefined;
    const old = id === undefined ? undefined : deleted.get(id);
    if (old === undefined || joined.has(old)) kept.push(change);
    else {
      const { path: name, newMode, newOid } = change;
      const at = await nameOnDisk(root, old.path);
      kept.push({ path: name, at, oldMode: old.oldMode, oldOid: old.oldOid, newMode, newOid });
      joined.add(old);
    }
  }
  return kept.filter((change) => !joined.has(change));
}

/** Whether one of them has to be a folder where the other one is a file. */
export const areInEachOthersWay = (one: string, other: string): boolean =>
  one.startsWith(`${other}/`) || other.startsWith(`${one}/`);

/** Of a file that is there; exact also where numbers of files are larger than JavaScript's. */
async function identityOf(root: string, repoPath: string): Promise<string | undefined> {
  const found = await lstat(path.join(root, repoPath), { bigint: true }).catch(() => undefined);
  return found?.isFile() ? `${found.dev}:${found.ino}` : undefined;
}

async function nameOnDisk(root: string, repoPath: string): Promise<string> {
  const file = await realpath(path.join(root, repoPath));
  return path.relative(root, file).split(path.sep).join('/');
}
