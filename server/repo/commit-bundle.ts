import { commitRef } from './commits.ts';
import { assertOid, type RepoDeps, repoPath } from './repository.ts';

/** It passes through memory on its way to the editor. */
const LIMIT = 2 ** 30;

/**
 * The commits of a task above the one that the person was on, as a bundle that builds on that commit: whoever has it can fetch from
 * the bundle. Its one ref points at `commit`.
 */
export function commitBundle(
  deps: RepoDeps,
  { taskId, commit, baseCommit }: { taskId: string; commit: string; baseCommit: string },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const args = ['bundle', 'create', '--quiet', '-', commitRef(commit), `^${assertOid(baseCommit)}`];
  return deps.git(args, { repo: repoPath(deps, taskId), maxOutputBytes: LIMIT, signal });
}
