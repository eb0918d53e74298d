import type { Octokit } from '@octokit/core';
import { isHttpError } from './api.ts';
import type { GitHubRepository } from './remote-url.ts';

/** A repository as the owner of the token sees it. */
export interface RepositoryView {
  fullName: string;
  defaultBranch: string;
  /** Absent where GitHub does not say. */
  mayPush?: boolean;
  /** Of an OAuth or classic token; other tokens have no scopes, and GitHub then names none. */
  scopes?: string[];
}

export async function viewRepository(
  api: Octokit,
  { owner, repo }: GitHubRepository,
): Promise<RepositoryView> {
  const { data, headers } = await api.request('GET /repos/{owner}/{repo}', { owner, repo });
  const scopes = headers['x-oauth-scopes'];
  return {
    fullName: data.full_name,
    defaultBranch: data.default_branch,
    ...(data.permissions === undefined ? {} : { mayPush: data.permissions.push }),
    ...(scopes === undefined || scopes === ''
      ? {}
      : { scopes: scopes.split(',').map((scope) => scope.trim()) }),
  };
}

export interface BranchView {
  commit: string;
  isProtected: boolean;
}

/** Undefined where there is no such branch. */
export async function viewBranch(
  api: Octokit,
  { owner, repo }: GitHubRepository,
  branch: string,
): Promise<BranchView | undefined> {
  try {
    const { data } = await api.request('GET /repos/{owner}/{repo}/branches/{branch}', {
      owner,
      repo,
      branch,
    });
    return { commit: data.commit.sha, isProtected: data.protected };
  } catch (error) {
    if (isHttpError(error) && error.status === 404) return undefined;
    throw error;
  }
}
