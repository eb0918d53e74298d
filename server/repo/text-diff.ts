import { assertOid, type RepoDeps, repoPath } from './repository.ts';

/**
 * The difference between two trees for somebody to read: a unified diff, binary files named only, bytes that are not UTF-8 replaced.
 * @returns its first `most` bytes, to the end of a line, and whether that is all
 */
export async function textDiff(
  deps: RepoDeps,
  taskId: string,
  fromTree: string,
  toTree: string,
  most: number,
): Promise<{ text: string; isWhole: boolean }> {
  if (fromTree === toTree) return { text: '', isWhole: true };
  const chunks: Buffer[] = [];
  let size = 0;
  const options = ['--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--no-prefix'];
  await deps.git(['diff-tree', '-r', '-p', ...options, assertOid(fromTree), assertOid(toTree)], {
    repo: repoPath(deps, taskId),
    onStdout(chunk) {
      if (size <= most) chunks.push(chunk);
      size += chunk.length;
    },
  });
  const all = Buffer.concat(chunks);
  if (size <= most) return { text: all.toString(), isWhole: true };
  const cut = all.subarray(0, most);
  return { text: cut.subarray(0, cut.lastIndexOf(10) + 1).toString(), isWhole: false };
}
