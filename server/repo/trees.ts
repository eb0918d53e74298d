import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Git } from './git.ts';
import { readRef, writeRef } from './repository.ts';

/** What becomes of one path. Deletions are applied first, so that a file may take a deleted folder's place and the reverse. */
export type TreeEdit =
  | { path: string; delete: true }
  | { path: string; mode: string; oid: string }
  | { path: string; mode: string; data: Uint8Array };

/**
 * Writes `from` with `edits` laid over it, and a commit of it without parents whose bytes depend on the tree only, so that
 * a repetition writes the same commit. The ref that `refFor` names keeps it from collection.
 *
 * One `git fast-import` writes all blobs, trees and the commit: object files appear whole or not at all, whoever is killed.
 * (isomorphic-git writes loose objects in place and never mends one that was cut off.)
 */
export async function writeTree(
  git: Git,
  repo: string,
  request: {
    from: string;
    edits: TreeEdit[];
    refFor: (tree: string) => string;
    /** `latin1` where paths are bytes, one a character, because some are not UTF-8. */
    paths?: 'utf8' | 'latin1';
    signal?: AbortSignal | undefined;
  },
): Promise<{ tree: string; commit: string }> {
  const text = (value: string): Uint8Array => Buffer.from(value, request.paths ?? 'utf8');
  // A ref of its own: two attempts never meet on one lock.
  const temporaryRef = `refs/handoff/writing/${randomUUID()}`;
  const stream: Uint8Array[] = [
    text(`commit ${temporaryRef}\ncommitter ${SNAPSHOT_IDENTITY} 0 +0000\ndata 0\n`),
    text(`M 040000 ${request.from} ""\n`),
  ];
  for (const edit of request.edits) {
    if ('delete' in edit) stream.push(text(`D ${quote(edit.path)}\n`));
  }
  for (const edit of request.edits) {
    if ('oid' in edit) stream.push(text(`M ${edit.mode} ${edit.oid} ${quote(edit.path)}\n`));
    if ('data' in edit) {
      stream.push(text(`M ${edit.mode} inline ${quote(edit.path)}\ndata ${edit.data.byteLength}\n`));
      stream.push(edit.data, text('\n'));
    }
  }
  stream.push(text('ls ""\n\ndone\n'));
  const printed = await git(['fast-import', '--quiet', '--done', '--date-format=raw'], {
    repo,
    stdin: Buffer.concat(stream),
    signal: request.signal,
  });
  const tree = /^040000 tree ([0-9a-f]{40})\t/.exec(printed.toString())?.[1];
  const commit = await readRef(repo, temporaryRef);
  if (tree === undefined || commit === undefined) throw new Error('git fast-import wrote no commit');
  await writeRef(repo, request.refFor(tree), commit);
  await rm(path.join(repo, temporaryRef), { force: true });
  return { tree, commit };
}

/** Author of snapshot commits, which never leave the relay and the sandbox. */
const SNAPSHOT_IDENTITY = 'Handoff <handoff@localhost>';

/** A path in fast-import's C style, where everything but these three may stand as it is. */
function quote(name: string): string {
  return `"${name.replace(/["\\\n]/g, (special) => (special === '\n' ? '\\n' : `\\${special}`))}"`;
}
