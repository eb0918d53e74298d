import { assertOid, type RepoDeps, repoPath } from './repository.ts';

/** How many files a tree of the task's repository has. */
export async function countFiles(deps: RepoDeps, taskId: string, tree: string): Promise<number> {
  let files = 0;
  await deps.git(['ls-tree', '-r', '-z', '--name-only', assertOid(tree)], {
    repo: repoPath(deps, taskId),
    onStdout: (chunk) => {
      for (const byte of chunk) if (byte === 0) files += 1;
    },
  });
  return files;
}
