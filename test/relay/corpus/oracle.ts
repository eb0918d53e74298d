import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { FileChange } from '../../../server/protocol/review.ts';
import { BYTE_EXACT, type Place, placeAt } from './place.ts';

/** Trees as native Git makes them, apart from everything that is tested: equal names mean equal bytes and modes in every path. */

/** `mode oid` by path; paths are bytes, one a character (`latin1`). */
export type Entries = Map<string, string>;

/** The tree of a folder's files as they are, added byte for byte. */
export async function treeOf(place: Place): Promise<string> {
  await place.git('add', '--all');
  return place.git('write-tree');
}

/** `tree` of `repository` as files in a new folder, which is a repository of its own. */
export async function checkedOut(repository: string, tree: string, folder: string): Promise<Place> {
  const place = placeAt(folder);
  await place.git('init', '--quiet');
  place.write('.git/objects/info/alternates', `${repository}/objects\n`);
  place.write('.git/info/attributes', BYTE_EXACT);
  await place.git('read-tree', '--reset', '-u', tree);
  return place;
}

/** What the agent's script makes of a folder. What happens in a submodule's does not count. */
export async function treeAfter(place: Place, script: string): Promise<string> {
  for (const [path, entry] of await entriesOf(place, await treeOf(place)))
    if (entry.startsWith('160000')) await place.git('update-index', '--skip-worktree', path);
  await place.run(script);
  return treeOf(place);
}

export async function entriesOf(place: Place, tree: string): Promise<Entries> {
  const printed = await place.pipe(['ls-tree', '-r', '-z', '--full-tree', tree]);
  const listed = printed.toString('latin1').split('\0');
  return new Map(
    listed.filter(Boolean).map((line) => {
      const tab = line.indexOf('\t');
      const [mode, , oid] = line.slice(0, tab).split(' ');
      return [line.slice(tab + 1), `${mode} ${oid}`];
    }),
  );
}

export async function treeWith(place: Place, entries: Entries): Promise<string> {
  const info = [...entries].map(([path, entry]) => `${entry}\t${path}\0`).join('');
  await place.git('read-tree', '--empty');
  await place.pipe(['update-index', '-z', '--index-info'], Buffer.from(info, 'latin1'));
  return place.git('write-tree', '--missing-ok');
}

/** Base with these units of the changes, put together by the positions that hunks have in both texts. */
export async function entriesWith(
  place: Place,
  base: Entries,
  head: Entries,
  files: FileChange[],
  taken: (file: FileChange) => ReadonlySet<string>,
): Promise<Entries> {
  const entries = new Map(base);
  const isWhole = ({ oldMode, newMode, hunks }: FileChange): boolean =>
    oldMode === null || newMode === null || hunks.length === 0;
  const blobs = await blobsOf(
    place,
    files.filter((file) => !isWhole(file)).flatMap(({ oldOid, newOid }) => [String(oldOid), String(newOid)]),
  );
  for (const file of files) {
    const units = taken(file);
    const path = Buffer.from(file.path).toString('latin1');
    const now = head.get(path);
    if (units.size === 0) continue;
    if (isWhole(file) && now === undefined) entries.delete(path);
    else if (isWhole(file)) entries.set(path, String(now));
    else {
      const takesMode = file.whole !== undefined && units.has(file.whole);
      const content = withHunks(blobs(file.oldOid), blobs(file.newOid), file, units);
      entries.set(path, `${takesMode ? file.newMode : file.oldMode} ${blobName(content)}`);
    }
  }
  return entries;
}

/** By which Git knows a content; nothing has to be written for it to stand in a tree. */
const blobName = (content: Buffer): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

/** Many contents at the cost of one process. */
async function blobsOf(place: Place, oids: string[]): Promise<(oid: string | null) => string> {
  const asked = Buffer.from(oids.map((oid) => `${oid}\n`).join(''));
  const printed = (await place.pipe(['cat-file', '--batch', '--buffer'], asked)).toString('latin1');
  const found = new Map<string, string>();
  for (let at = 0; at < printed.length; ) {
    const [head = '', oid = '', size = ''] = /^(\w+) blob (\d+)\n/.exec(printed.slice(at, at + 100)) ?? [];
    const start = at + head.length;
    found.set(oid, printed.slice(start, start + Number(size)));
    at = start + Number(size) + 1;
  }
  return (oid) => found.get(String(oid)) ?? assert.fail(`no blob ${oid}`);
}

function withHunks(before: string, after: string, file: FileChange, taken: ReadonlySet<string>): Buffer {
  const [old, now] = [linesOf(before), linesOf(after)];
  const parts: string[][] = [];
  let next = 0;
  for (const { hash, oldStart, oldLines, newStart, newLines } of file.hunks) {
    const start = oldLines === 0 ? oldStart : oldStart - 1;
    const from = newLines === 0 ? newStart : newStart - 1;
    parts.push(old.slice(next, start));
    parts.push(taken.has(hash) ? now.slice(from, from + newLines) : old.slice(start, start + oldLines));
    next = start + oldLines;
  }
  return Buffer.from([...parts, old.slice(next)].flat().join(''), 'latin1');
}

const linesOf = (text: string): string[] => text.split(/(?<=\n)/).filter(Boolean);
