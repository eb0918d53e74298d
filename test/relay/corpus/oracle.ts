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
  return place.git('write-tree');
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
  for (const file of files) {
    const units = taken(file);
    const path = Buffer.from(file.path).toString('latin1');
    const now = head.get(path);
    const isWhole = file.oldMode === null || file.newMode === null || file.hunks.length === 0;
    if (units.size === 0) continue;
    if (isWhole && now === undefined) entries.delete(path);
    else if (isWhole) entries.set(path, String(now));
    else {
      const takesMode = file.whole !== undefined && units.has(file.whole);
      const mode = takesMode ? file.newMode : file.oldMode;
      const content = withHunks(await blob(place, file.oldOid), await blob(place, file.newOid), file, units);
      const oid = (await place.pipe(['hash-object', '-w', '--no-filters', '--stdin'], content))
        .toString()
        .trim();
      entries.set(path, `${mode} ${oid}`);
    }
  }
  return entries;
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

const blob = async (place: Place, oid: string | null): Promise<string> =>
  (await place.pipe(['cat-file', 'blob', String(oid)])).toString('latin1');

const linesOf = (text: string): string[] => text.split(/(?<=\n)/).filter(Boolean);
