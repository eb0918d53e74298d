import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { foldersOf } from './overlay.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';

const ATTRIBUTE = 'linguist-generated';
/** Paths in one command: all of them may be more than a command takes. */
const AT_ONCE = 2000;

/**
 * What the `.gitattributes` of a tree say of paths: whether programs make them. Paths of which nothing is said are not in it. One look where
 * the tree has no such file; else an index of those files alone, for Git reads attributes from there without a workspace.
 */
export async function generatedByAttribute(
  deps: RepoDeps,
  taskId: string,
  tree: string,
  paths: readonly string[],
): Promise<Map<string, boolean>> {
  const repo = repoPath(deps, taskId);
  const folders = new Set(paths.flatMap(foldersOf));
  const files = ['.gitattributes', ...[...folders].map((folder) => `${folder}/.gitattributes`)];
  const looks: Buffer[] = [];
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const some = files.slice(at, at + AT_ONCE);
    const env = { GIT_LITERAL_PATHSPECS: '1' };
    looks.push(
      await deps.git(['ls-tree', '-z', '--full-tree', assertOid(tree), '--', ...some], { repo, env }),
    );
  }
  const found = Buffer.concat(looks);
  const said = new Map<string, boolean>();
  if (found.length === 0) return said;

  const index = path.join(repo, `attributes-${randomUUID()}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    await deps.git(['update-index', '-z', '--index-info'], { repo, env, stdin: found });
    const printed = await deps.git(['check-attr', '--cached', '--stdin', '-z', ATTRIBUTE], {
      repo,
      env,
      stdin: Buffer.from(paths.map((name) => `${name}\0`).join('')),
      maxOutputBytes: 2 ** 26,
    });
    // A name that is no UTF-8 comes out as one that nobody asks for.
    const fields = printed.toString().split('\0');
    for (let at = 0; at + 2 < fields.length; at += 3) {
      const [name, value] = [fields[at], fields[at + 2]];
      if (name === undefined || value === undefined || value === 'unspecified') continue;
      said.set(name, value === 'set' || value === 'true');
    }
    return said;
  } finally {
    await rm(index, { force: true });
  }
}
