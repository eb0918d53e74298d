import { assertOid, type RepoDeps, repoPath } from './repository.ts';

/** Files on either side that are compared with each other, at most: the work is their product. */
const MOST_COMPARED = 400;

/** The new path of files that were moved, with the path before, as far as Git tells by their content. */
export async function findRenames(
  deps: RepoDeps,
  taskId: string,
  baseTree: string,
  headTree: string,
): Promise<Map<string, string>> {
  const printed = await deps.git(
    [
      ...['diff-tree', '-r', '-z', '--name-status', '--find-renames', `-l${MOST_COMPARED}`],
      ...['--diff-filter=R', assertOid(baseTree), assertOid(headTree)],
    ],
    { repo: repoPath(deps, taskId), maxOutputBytes: 2 ** 26 },
  );
  // A name that is no UTF-8 comes out as one that nobody has.
  const fields = printed.toString().split('\0');
  const renames = new Map<string, string>();
  for (let index = 0; index + 2 < fields.length; index += 3) {
    const [before, after] = [fields[index + 1], fields[index + 2]];
    if (before !== undefined && after !== undefined) renames.set(after, before);
  }
  return renames;
}
