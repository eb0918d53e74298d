import type { Octokit } from '@octokit/core';
import type { PullRequest } from '../protocol/events.ts';
import { type Api, connect, failureOf, type HttpError, invalidFields, isHttpError } from './api.ts';
import { baseMissing } from './refusals.ts';
import type { GitHubRepository } from './remote-url.ts';

export interface PullRequestInput extends Api, GitHubRepository {
  /** The pushed branch, of the same repository. */
  head: string;
  /** Absent: the default branch. */
  base?: string;
  /** The person named the base: another one is not taken in its place, as it is for a branch that was never pushed. */
  isBaseNamed?: boolean;
  title: string;
  body: string;
  draft: boolean;
  /** Title and body are a person's own: one that is open already is given them. Whether it is a draft stays as it is there. */
  isReworded?: boolean;
}

/**
 * Opens a pull request as the person, once: an open one of the same branches is answered with, whether it was there before or an
 * earlier attempt made it. Where the repository's plan has no drafts it is opened ready for review.
 *
 * Throws `token_rejected`, `sso_required`, `base_missing`, `pull_request_forbidden`, `pull_request_rejected` or `github_unavailable`.
 */
export async function openPullRequest(input: PullRequestInput): Promise<PullRequest> {
  try {
    const api = connect(input);
    if (input.base === undefined) return await openTo(api, input, await defaultBranch(api, input));
    try {
      return await openTo(api, input, input.base);
    } catch (error) {
      if (!isUnprocessable(error) || !invalidFields(error).includes('base')) throw error;
      if (input.isBaseNamed) throw baseMissing(input.base);
      const base = await defaultBranch(api, input);
      if (base === input.base) throw error;
      return await openTo(api, input, base);
    }
  } catch (error) {
    throw failureOf(error, input.signal);
  }
}

async function openTo(api: Octokit, input: PullRequestInput, base: string): Promise<PullRequest> {
  const existing = await findOpen(api, input, base);
  if (existing !== undefined) {
    const { url, number } = existing;
    if (input.isReworded && (existing.title !== input.title || existing.body !== input.body))
      await reword(api, input, number);
    return { url, number, reused: true };
  }
  try {
    return await create(api, input, base, input.draft);
  } catch (error) {
    // Somebody was faster (422), or GitHub did it and its answer was lost.
    if (!isHttpError(error) || (error.status !== 422 && error.status < 500)) throw error;
    const made = await findOpen(api, input, base).catch(() => undefined);
    if (made !== undefined) return { url: made.url, number: made.number, reused: isUnprocessable(error) };
    // A plan without drafts is one more 422. Any other reason for it fails the second time too.
    if (!input.draft || !isUnprocessable(error) || invalidFields(error).length > 0) throw error;
    return await create(api, input, base, false);
  }
}

async function create(
  api: Octokit,
  input: PullRequestInput,
  base: string,
  draft: boolean,
): Promise<PullRequest> {
  const { owner, repo, head, title, body } = input;
  const { data } = await api.request('POST /repos/{owner}/{repo}/pulls', {
    owner,
    repo,
    head,
    base,
    title,
    body,
    draft,
  });
  return { url: data.html_url, number: data.number, reused: false };
}

async function reword(
  api: Octokit,
  { owner, repo, title, body }: PullRequestInput,
  pull_number: number,
): Promise<void> {
  await api.request('PATCH /repos/{owner}/{repo}/pulls/{pull_number}', {
    owner,
    repo,
    pull_number,
    title,
    body,
  });
}

/** A pull request as it stands at GitHub. */
export interface OpenedBefore {
  url: string;
  number: number;
  title: string;
  body: string;
}

/** The open pull request of these branches, if there is one. */
export async function findOpen(
  api: Octokit,
  { owner, repo, head }: GitHubRepository & { head: string },
  base: string,
): Promise<OpenedBefore | undefined> {
  const { data } = await api.request('GET /repos/{owner}/{repo}/pulls', {
    owner,
    repo,
    // Without the owner GitHub ignores the filter.
    head: `${owner}:${head}`,
    base,
    state: 'open',
    per_page: 1,
  });
  const [found] = data;
  if (found === undefined) return undefined;
  return { url: found.html_url, number: found.number, title: found.title, body: found.body ?? '' };
}

async function defaultBranch(api: Octokit, { owner, repo }: GitHubRepository): Promise<string> {
  return (await api.request('GET /repos/{owner}/{repo}', { owner, repo })).data.default_branch;
}

function isUnprocessable(error: unknown): error is HttpError {
  return isHttpError(error) && error.status === 422;
}
