import { AppError } from '../errors.ts';
import { isGitHubWorkflow } from '../guard/automation.ts';
import type { Remote } from '../publish/remote.ts';
import { pushCommit } from '../repo/publish.ts';
import type { TransportDeps } from '../repo/repository.ts';
import { isFileUrl } from '../repo/source-url.ts';
import type { TaskRow } from '../tasks/task-store.ts';
import { connect, failureOf } from './api.ts';
import { forgeOf, requestPage } from './forge.ts';
import { lookAt } from './look.ts';
import { openPullRequest } from './pull-request.ts';
import { branchProtected, lacksWorkflowScope, mayNotPush, workflowScopeMissing } from './refusals.ts';
import { type GitHubRepository, parseGitHubRemote, pushUrl } from './remote-url.ts';
import { viewBranch, viewRepository } from './repository.ts';
import { signCommits } from './sign.ts';
import { getViewer } from './viewer.ts';

/** Where this relay's GitHub is; the person's token is sent to these two and to nobody else. */
export interface GitHubAddress {
  githubUrl: string;
  apiUrl: string;
}

/** Publishing to GitHub as the person. */
export function createGitHubRemote(deps: TransportDeps, { githubUrl, apiUrl }: GitHubAddress): Remote {
  const repositoryOf = (row: TaskRow): GitHubRepository => repository(row, githubUrl);
  return {
    viewer: (token) => getViewer({ apiUrl, token }),
    async assertMayPush(row, { workflows, token }) {
      const where = repositoryOf(row);
      if (!workflows.some(isGitHubWorkflow)) return;
      const { scopes } = await viewRepository(connect({ apiUrl, token }), where).catch((error: unknown) => {
        throw failureOf(error);
      });
      if (lacksWorkflowScope(workflows, scopes)) throw workflowScopeMissing();
    },
    sign: (row, { plan, message, token }) =>
      signCommits(deps, {
        apiUrl,
        githubUrl,
        token,
        ...repositoryOf(row),
        taskId: row.taskId,
        plan,
        message,
      }),
    async push(row, { token, ...pushed }) {
      const where = repositoryOf(row);
      const sourceUrl = row.spec.source.url;
      const request = {
        taskId: row.taskId,
        ...pushed,
        token,
        remote: pushUrl({ githubUrl, ...where }),
        ...(sourceUrl === undefined ? {} : { sourceUrl }),
      };
      try {
        await pushCommit(deps, request);
      } catch (error) {
        throw await explained(error, { apiUrl, token, where, branch: pushed.branch });
      }
    },
    async open(row, { token, branch, base, title, body, draft, isReworded }) {
      const into = base ?? row.spec.source.branch;
      return openPullRequest({
        apiUrl,
        token,
        ...repositoryOf(row),
        head: branch,
        title,
        body,
        draft,
        isReworded,
        ...(into === undefined ? {} : { base: into, isBaseNamed: base !== undefined }),
      });
    },
    forge(row) {
      const remote = remoteOf(row);
      return remote === undefined ? undefined : forgeOf(remote, githubUrl);
    },
    compareUrl(row, { branch, base, title, body }) {
      const remote = remoteOf(row);
      const forge = remote === undefined ? undefined : forgeOf(remote, githubUrl);
      const into = base ?? row.spec.source.branch;
      return forge && requestPage(forge, { head: branch, base: into, title, body });
    },
    assertKnown: (row) => void repositoryOf(row),
    look: async (row, { token, ...asked }) =>
      lookAt({ apiUrl, token, ...repositoryOf(row), ...asked, usual: row.spec.source.branch }),
  };
}

function remoteOf({ spec: { source } }: TaskRow): string | undefined {
  return source.remote ?? (source.url !== undefined && isFileUrl(source.url) ? undefined : source.url);
}

function repository(row: TaskRow, githubUrl: string): GitHubRepository {
  const remote = remoteOf(row);
  if (remote === undefined) {
    throw new AppError('remote_missing', 'The repository has no remote to push to.', {
      nextAction:
        'Add one (git remote add origin …) and start a new task, or apply the changes to your files.',
    });
  }
  const found = parseGitHubRemote(remote, githubUrl);
  if (found) return found;
  throw new AppError('remote_not_github', `The remote is not at ${githubUrl}, where your token belongs.`, {
    nextAction: 'Have your own Git push the branch, or set HANDOFF_GITHUB_URL on the relay for your GitHub.',
  });
}

/** Git says only that a push was refused: GitHub's API, asked as the same person, may say why. */
async function explained(
  error: unknown,
  {
    apiUrl,
    token,
    where,
    branch,
  }: { apiUrl: string; token: string; where: GitHubRepository; branch: string },
): Promise<unknown> {
  if (!(error instanceof AppError) || error.code !== 'push_rejected') return error;
  const api = connect({ apiUrl, token });
  try {
    const { mayPush } = await viewRepository(api, where);
    if (mayPush === false) return mayNotPush(where, error);
    const found = await viewBranch(api, where, branch);
    if (found?.isProtected) return branchProtected(branch, error);
  } catch (refusal) {
    const why = failureOf(refusal);
    if (why instanceof AppError && why.code === 'sso_required') return why;
  }
  return error;
}
