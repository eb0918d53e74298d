import { rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../errors.ts';
import { isBranchName } from './branch.ts';
import { commitRef } from './commits.ts';
import { GitError } from './git.ts';
import { failureOf, type Remote, remoteOf, runOn, tipOf } from './remote.ts';
import { assertOid, createAttempt, readRef, repoPath, type TransportDeps, treeOf } from './repository.ts';
import { parseTransport } from './source-url.ts';

export interface PushRequest {
  taskId: string;
  commit: string;
  pushedTree: string;
  /** An https (or, for tests and loopback relays, http or file) address without credentials. */
  remote: string;
  branch: string;
  token: string;
  /** The commit that the task started from, and where its history is fetched from if the remote does not have it. */
  baseCommit: string;
  sourceUrl?: string;
  signal?: AbortSignal;
}

/**
 * Pushes one commit to one branch with the person's token, and proves it: the commit has the tree that the plan says, and the
 * remote then names that commit. (A commit's name is a hash of its tree's name, so this is all that there is to prove.)
 *
 * A branch that is there is only moved forward, unless what it holds is an earlier commit of this task. One that holds the commit
 * already is done. Throws `tree_not_accepted`, `token_rejected`, `push_rejected`, `push_unproven` or `github_unavailable`.
 */
export async function pushCommit(deps: TransportDeps, request: PushRequest): Promise<void> {
  const { taskId, commit, pushedTree, branch, signal } = request;
  if (!isBranchName(branch)) {
    throw new AppError('bad_request', `${JSON.stringify(branch)} is not a branch name that Git allows.`, {
      nextAction: 'Choose a name of letters, digits, dashes and slashes.',
    });
  }
  if ((await treeOf(deps, taskId, commit)) !== pushedTree) {
    throw new AppError('tree_not_accepted', 'The commit does not have the tree that was accepted.', {
      nextAction: 'Review the changes again, then publish again.',
    });
  }
  const remote = remoteOf(request.remote, request.token, deps);
  const repo = repoPath(deps, taskId);
  const ref = `refs/heads/${branch}`;
  const before = await tipOf(deps.git, remote, ref, signal).catch(async (error: unknown) => {
    throw await failureOf(error, remote, signal);
  });
  if (before !== commit) {
    const ours = before !== undefined && (await readRef(repo, commitRef(before))) !== undefined;
    const lease = before === undefined || ours ? [`--force-with-lease=${ref}:${before ?? ''}`] : [];
    const args = [
      '-c',
      'pack.window=10',
      'push',
      '--porcelain',
      '--no-verify',
      ...lease,
      remote.address,
      `${commit}:${ref}`,
    ];
    await push(deps, repo, args, remote, request).catch(async (error: unknown) => {
      const failure = await failureOf(error, remote, signal);
      // The connection may have broken after the remote had taken it.
      const now = await tipOf(deps.git, remote, ref, signal).catch(() => undefined);
      if (now !== commit) throw failure;
    });
  }
  const after = await tipOf(deps.git, remote, ref, signal).catch(async (error: unknown) => {
    throw await failureOf(error, remote, signal);
  });
  if (after !== commit || (await treeOf(deps, taskId, after)) !== pushedTree) {
    throw new AppError(
      'push_unproven',
      `After the push, ${branch} holds ${after ?? 'nothing'} and not ${commit}.`,
      {
        nextAction: 'Somebody else may write to that branch: look at it, then publish again.',
      },
    );
  }
}

/** Pushes from the task's repository; where the remote refuses, because it lacks the base's history perhaps, with that history. */
async function push(deps: TransportDeps, repo: string, args: string[], remote: Remote, request: PushRequest) {
  const { taskId, baseCommit, sourceUrl, signal } = request;
  try {
    await runOn(deps.git, remote, args, { repo, signal });
  } catch (error) {
    const refused = error instanceof GitError && error.exitCode === 1;
    if (!refused || sourceUrl === undefined || sourceUrl === request.remote || !(await isShallow(repo)))
      throw error;
    const source = parseTransport(sourceUrl, deps);
    const full = await createAttempt(deps, taskId, 'push');
    try {
      const fetch = [
        'fetch',
        '--quiet',
        '--no-tags',
        source.address,
        `${assertOid(baseCommit)}:refs/handoff/source`,
      ];
      await deps.git(fetch, { repo: full, transports: [source.protocol], signal }).catch((cause: unknown) => {
        throw cause instanceof GitError ? error : cause;
      });
      // Only now: a fetch takes what an alternate has for complete, and the task's repository has no history.
      await writeFile(path.join(full, 'objects/info/alternates'), `${path.join(repo, 'objects')}\n`);
      await runOn(deps.git, remote, args, { repo: full, signal });
    } finally {
      await rm(full, { recursive: true, force: true });
    }
  }
}

async function isShallow(repo: string): Promise<boolean> {
  return (await stat(path.join(repo, 'shallow')).catch(() => undefined)) !== undefined;
}
