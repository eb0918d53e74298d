import { blobOf } from './blob-of.ts';
import { assertOid, proposalRef, type RepoDeps, repoPath } from './repository.ts';
import { writeTree } from './trees.ts';

/** A file whose whole content was replaced by somebody who knew what it held. */
export interface Rewritten {
  /** Relative to the workspace. */
  path: string;
  before: Uint8Array;
  after: Uint8Array;
}

/**
 * What a capture finds in a workspace that held `from`, and in which these files and nothing else were rewritten since, in that order: worked out
 * here, for a capture looks at every file of the workspace. Kept as a captured tree is.
 *
 * @returns undefined where the workspace has to be looked at: `from` has no such file, or another content there. So a link, a file that is
 * new (it may be ignored) and one that somebody else changed are never taken for what they are not.
 */
export async function rewrittenTree(
  deps: RepoDeps,
  taskId: string,
  from: string,
  files: readonly Rewritten[],
): Promise<string | undefined> {
  const repo = repoPath(deps, taskId);
  const paths = [...new Set(files.map(({ path }) => path))];
  if (paths.some(isNotForUs)) return undefined;
  const printed = await deps.git(['ls-tree', '-z', '--full-tree', assertOid(from), '--', ...paths], {
    repo,
    env: { GIT_LITERAL_PATHSPECS: '1' },
  });
  const entries = new Map<string, { mode: string; oid: string; data?: Uint8Array }>();
  for (const line of printed.toString().split('\0')) {
    const [, mode, oid, path] = /^(100\d{3}) blob ([0-9a-f]{40})\t(.+)$/s.exec(line) ?? [];
    if (mode !== undefined && oid !== undefined && path !== undefined) entries.set(path, { mode, oid });
  }
  for (const { path, before, after } of files) {
    const entry = entries.get(path);
    if (entry?.oid !== blobOf(before)) return undefined;
    entries.set(path, { mode: entry.mode, oid: blobOf(after), data: after });
  }
  const edits = [...entries].flatMap(([path, { mode, data }]) => (data ? [{ path, mode, data }] : []));
  return (await writeTree(deps.git, repo, { from, edits, refFor: proposalRef })).tree;
}

/** What is no path of a tree; and what Git may look into before it takes it, by all names that file systems have for that. */
const isNotForUs = (path: string): boolean =>
  path.startsWith('/') || path.split('/').some((name) => name === '..' || /^\.?git|~|\p{Cf}/iu.test(name));
