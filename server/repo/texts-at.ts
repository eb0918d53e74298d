import { assertOid, type RepoDeps, repoPath } from './repository.ts';
import { readTogether } from './texts.ts';

/** The texts that a tree has at these paths. Paths at which it has nothing map to `''`; those with no text, or too much, to undefined. */
export async function textsAt(
  deps: RepoDeps,
  taskId: string,
  tree: string,
  paths: readonly string[],
): Promise<Map<string, string | undefined>> {
  if (paths.length === 0) return new Map();
  const repo = repoPath(deps, taskId);
  const printed = await deps.git(['ls-tree', '-z', '--full-tree', assertOid(tree), '--', ...paths], {
    repo,
    env: { GIT_LITERAL_PATHSPECS: '1' },
  });
  const oids = new Map(
    printed
      .toString()
      .split('\0')
      .flatMap((line) => {
        const [, oid = '', path = ''] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
        return oid === '' ? [] : [[path, oid] as const];
      }),
  );
  const texts = await readTogether(deps.git, repo, new Set(oids.values()), {});
  return new Map(
    paths.map((path) => {
      const oid = oids.get(path);
      return [path, oid === undefined ? '' : texts?.get(oid)];
    }),
  );
}
