import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { git } from '../fakes/git.ts';

/**
 * All that is the person's own in a clone, byte by byte: every file with its mode, the index, HEAD and refs.
 * Two of them are equal exactly where nobody has touched anything. Git's configuration is left out, for VS Code's own Git
 * extension notes there what it found to be the merge base of a branch.
 */
export async function personState(clone: string): Promise<Record<string, string>> {
  const gitFiles = ['HEAD', 'index'].map((name) => join(clone, '.git', name));
  const entries = await readdir(clone, { recursive: true, withFileTypes: true });
  const workFiles = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(clone, path).startsWith('.git/'));
  const files = await Promise.all(
    [...workFiles, ...gitFiles].map(
      async (path) => [relative(clone, path), await fingerprint(path)] as const,
    ),
  );
  return Object.fromEntries([...files, ['refs', await git(clone, ['for-each-ref'])] as const]);
}

async function fingerprint(path: string): Promise<string> {
  const { mode } = await lstat(path);
  const isLink = (mode & 0o170000) === 0o120000;
  const content = isLink ? Buffer.from(await readlink(path)) : await readFile(path);
  return `${mode.toString(8)} ${createHash('sha256').update(content).digest('hex')}`;
}

/** Blob and mode of every path of a tree, as Git prints them. */
export function parseTree(lsTree: string): Record<string, string> {
  return Object.fromEntries(
    lsTree
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [object = '', path = ''] = line.split('\t');
        return [path, object] as const;
      }),
  );
}
