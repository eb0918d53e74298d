import type { Octokit } from '@octokit/core';
import { AppError } from '../errors.ts';
import { commitRef, UNCOMMITTED_MESSAGE } from '../repo/commits.ts';
import { blobSizes, readBlobs } from '../repo/objects.ts';
import { type PushPlan, stepsOf } from '../repo/pushed-tree.ts';
import { decodeUtf8, entryChanges } from '../repo/raw-changes.ts';
import { failureOf as pushFailureOf, remoteOf, runOn } from '../repo/remote.ts';
import { repoPath, type TransportDeps, writeRef } from '../repo/repository.ts';
import { type Api, connect, failureOf, isHttpError } from './api.ts';
import { type GitHubRepository, pushUrl } from './remote-url.ts';

export interface SignRequest extends Api, GitHubRepository {
  githubUrl: string;
  taskId: string;
  plan: PushPlan;
  /** Of the commit that holds what was accepted. */
  message: string;
}

/** What a commit changes, as GitHub's API takes it. */
interface FileChanges {
  additions: { path: string; contents: string }[];
  deletions: { path: string }[];
}

/** GitHub takes no request of more than 40 MiB, and contents travel in base64. */
const MAX_BYTES = 28 * 2 ** 20;

const REGULAR = '100644';

/**
 * Has GitHub make the commits of a plan, which it signs as the owner of the token: author and committer are as it names them. They are
 * made on a branch of their own, so that the branch of the pull request never holds anything that was not proven, then fetched and
 * held against the plan's trees. What this API cannot carry is found before anything is sent.
 *
 * Throws `signing_impossible`, `tree_not_accepted`, or what a request can fail by.
 */
export async function signCommits(deps: TransportDeps, request: SignRequest): Promise<{ commit: string }> {
  const { plan, signal } = request;
  const steps: { changes: FileChanges; message: string; tree: string }[] = [];
  for (const [from, to] of stepsOf(plan)) {
    const message = to === plan.pushedTree ? request.message : UNCOMMITTED_MESSAGE;
    steps.push({ changes: await fileChanges(deps, request, from, to), message, tree: to });
  }
  const api = connect(request);
  try {
    await assertCommitThere(api, request);
    const branch = `handoff-signing/${request.taskId}`;
    await removeBranch(api, request, branch);
    await createBranch(api, request, branch);
    try {
      let commit = plan.baseCommit;
      for (const { changes, message, tree } of steps) {
        const made = await commitOn(api, request, { branch, expectedHeadOid: commit, message, changes });
        await takeIn(deps, request, { commit: made, parent: commit, tree });
        commit = made;
      }
      return { commit };
    } finally {
      // What is left of it is cleared away the next time.
      await removeBranch(api, request, branch).catch(() => {});
    }
  } catch (error) {
    throw failureOf(error, signal);
  }
}

async function fileChanges(
  deps: TransportDeps,
  { taskId, signal }: SignRequest,
  from: string,
  to: string,
): Promise<FileChanges> {
  const repo = repoPath(deps, taskId);
  const changes = (await entryChanges(deps, taskId, from, to, signal)).map((change) => {
    const path = decodeUtf8(Buffer.from(change.path, 'latin1'));
    if (path === undefined) throw impossible(`${JSON.stringify(change.path)} has a name that is not UTF-8`);
    if (change.newMode !== null && change.newMode !== REGULAR)
      throw impossible(`${JSON.stringify(path)} is executable, a link or a submodule`);
    return { path, oid: change.newOid };
  });
  const oids = [...new Set(changes.flatMap(({ oid }) => (oid === null ? [] : [oid])))];
  const sizes = await blobSizes(deps.git, repo, oids, signal);
  const bytes = changes.reduce((sum, { oid }) => sum + (oid === null ? 0 : (sizes.get(oid) ?? 0)), 0);
  if (bytes > MAX_BYTES) throw impossible(`the changed files have ${bytes} bytes together`);
  const contents = new Map<string, string>();
  await readBlobs(deps.git, repo, oids, (oid, data) => contents.set(oid, data.toString('base64')), {
    signal,
  });
  return {
    additions: changes.flatMap(({ path, oid }) =>
      oid === null ? [] : [{ path, contents: contents.get(oid) ?? '' }],
    ),
    deletions: changes.flatMap(({ path, oid }) => (oid === null ? [{ path }] : [])),
  };
}

async function assertCommitThere(api: Octokit, { owner, repo, plan }: SignRequest): Promise<void> {
  try {
    const commit = { owner, repo, commit_sha: plan.baseCommit };
    await api.request('GET /repos/{owner}/{repo}/git/commits/{commit_sha}', commit);
  } catch (error) {
    if (!isHttpError(error) || ![404, 409, 422].includes(error.status)) throw error;
    throw impossible('GitHub does not have the commit that the task started from', error);
  }
}

async function createBranch(api: Octokit, { owner, repo, plan }: SignRequest, branch: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  await api.request('POST /repos/{owner}/{repo}/git/refs', { owner, repo, ref, sha: plan.baseCommit });
}

/** Does nothing where there is none. */
async function removeBranch(api: Octokit, { owner, repo }: GitHubRepository, branch: string): Promise<void> {
  try {
    const ref = `heads/${branch}`;
    await api.request('DELETE /repos/{owner}/{repo}/git/refs/{ref}', { owner, repo, ref });
  } catch (error) {
    if (!isHttpError(error) || ![404, 422].includes(error.status)) throw error;
  }
}

const CREATE_COMMIT = `mutation ($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`;

async function commitOn(
  api: Octokit,
  { owner, repo }: GitHubRepository,
  commit: { branch: string; expectedHeadOid: string; message: string; changes: FileChanges },
): Promise<string> {
  const { branch, expectedHeadOid, message, changes } = commit;
  const [headline = '', ...rest] = message.trimEnd().split('\n');
  const input = {
    branch: { repositoryNameWithOwner: `${owner}/${repo}`, branchName: branch },
    expectedHeadOid,
    message: { headline, body: rest.join('\n').trim() },
    fileChanges: changes,
  };
  try {
    const made = await api.graphql<{ createCommitOnBranch: { commit: { oid: string } } }>(CREATE_COMMIT, {
      input,
    });
    return made.createCommitOnBranch.commit.oid;
  } catch (error) {
    // An answer of the API that names errors, as opposed to a refusal of the request.
    if (error instanceof Error && error.name === 'GraphqlResponseError')
      throw impossible(`GitHub made no commit: ${error.message.slice(0, 500)}`, error);
    throw error;
  }
}

/** Fetches a commit that GitHub made, and keeps it as one of the task's own once it is what was meant. */
async function takeIn(
  deps: TransportDeps,
  { taskId, githubUrl, owner, repo: name, token, signal }: SignRequest,
  { commit, parent, tree }: { commit: string; parent: string; tree: string },
): Promise<void> {
  const repo = repoPath(deps, taskId);
  const remote = remoteOf(pushUrl({ githubUrl, owner, repo: name }), token, deps);
  const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', remote.address, commit];
  await runOn(deps.git, remote, args, { repo, signal }).catch(async (error: unknown) => {
    throw await pushFailureOf(error, remote, signal);
  });
  const format = ['show', '--no-patch', '--format=%T %P', commit];
  const made = (await deps.git(format, { repo, signal })).toString().trim();
  if (made !== `${tree} ${parent}`) {
    throw new AppError('tree_not_accepted', 'The commit that GitHub made is not what was accepted.', {
      nextAction: 'Publish without a signature by GitHub; nothing has been put on the branch.',
    });
  }
  await writeRef(repo, commitRef(commit), commit);
}

function impossible(why: string, cause?: unknown): AppError {
  return new AppError('signing_impossible', `GitHub cannot make and sign this commit: ${why}.`, {
    ...(cause === undefined ? {} : { cause }),
    nextAction: 'Publish without a signature by GitHub, or push the commit that the task started from first.',
  });
}
