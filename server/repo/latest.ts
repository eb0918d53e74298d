import { stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import { isBranchName } from './branch.ts';
import { GitError } from './git.ts';
import { type Remote, remoteOf, runOn, tipOf } from './remote.ts';
import { repoPath, type TransportDeps } from './repository.ts';
import { parseTransport } from './source-url.ts';

/** The branch of a repository that a task started from. */
export interface Followed {
  url: string;
  branch: string;
  /** The person's, for a repository that is not public; given only where `url` is a place that it belongs to. */
  token: string | undefined;
}

/**
 * The newest commit of a branch, as its repository says now. Nothing is fetched.
 * Throws `source_not_allowed`, `source_unreadable`, `token_rejected`, or `base_missing` where there is no such branch.
 */
export async function latestCommit(deps: TransportDeps, followed: Followed): Promise<string> {
  const remote = await place(deps, followed);
  const { branch } = followed;
  const tip = isBranchName(branch)
    ? await tipOf(deps.git, remote, `refs/heads/${branch}`).catch((error: unknown) => {
        throw unreadable(error, remote, followed);
      })
    : undefined;
  if (tip !== undefined) return tip;
  throw new AppError('base_missing', `${remote.address} has no branch ${JSON.stringify(branch)}.`, {
    nextAction: 'It may have been renamed or merged: delegate from the branch that there is now.',
  });
}

/** Fetches one commit without its history into the task's repository, with a ref that keeps it. Repeatable. */
export async function fetchCommit(
  deps: TransportDeps,
  taskId: string,
  followed: Followed,
  commit: string,
): Promise<void> {
  const remote = await place(deps, followed);
  const refspec = `${commit}:refs/handoff/fetched/${commit}`;
  const args = ['fetch', '--quiet', '--no-tags', '--depth=1', remote.address, refspec];
  await runOn(deps.git, remote, args, { repo: repoPath(deps, taskId) }).catch((error: unknown) => {
    throw unreadable(error, remote, followed);
  });
}

async function place(deps: TransportDeps, { url, token }: Followed): Promise<Remote> {
  const transport = parseTransport(url, deps);
  if (transport.protocol === 'file' && (await stat(transport.address).catch(() => undefined)) === undefined) {
    throw new AppError('source_unreadable', `There is no repository at ${transport.address} any more.`, {
      nextAction: 'Put it back where it was, or delegate again from where it is now.',
    });
  }
  return token === undefined ? { ...transport, secret: undefined } : remoteOf(url, token, deps);
}

function unreadable(error: unknown, { address }: Remote, { token }: Followed): unknown {
  if (!(error instanceof GitError)) return error;
  return new AppError('source_unreadable', `${address} could not be read.`, {
    cause: error,
    nextAction:
      token === undefined
        ? 'Check that it is there; sign in where it is private.'
        : 'Check that it is there, and that the account may read it.',
  });
}
