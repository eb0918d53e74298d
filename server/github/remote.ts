import { AppError } from '../errors.ts';
import { commitAccepted, pushCommit } from '../repo/publish.ts';
import type { TransportDeps } from '../repo/repository.ts';
import { isFileUrl } from '../repo/source-url.ts';
import type { Remote } from '../tasks/publish-workflow.ts';
import type { TaskRow } from '../tasks/task-store.ts';
import { compareUrl } from './compare-url.ts';
import { openPullRequest } from './pull-request.ts';
import { parseGitHubRemote, pushUrl } from './remote-url.ts';
import { getViewer } from './viewer.ts';

/** Where this relay's GitHub is; the person's token is sent to these two and to nobody else. */
export interface GitHubAddress {
  githubUrl: string;
  apiUrl: string;
}

/** Publishing to GitHub as the person. */
export function createGitHubRemote(deps: TransportDeps, { githubUrl, apiUrl }: GitHubAddress): Remote {
  return {
    viewer: (token) => getViewer({ apiUrl, token }),
    commit: (input) => commitAccepted(deps, input),
    async push(row, { commit, acceptedTree, branch, token }) {
      const { owner, repo } = repository(row, githubUrl);
      const sourceUrl = row.spec.source.url;
      await pushCommit(deps, {
        taskId: row.taskId,
        commit,
        acceptedTree,
        branch,
        token,
        remote: pushUrl({ githubUrl, owner, repo }),
        ...(sourceUrl === undefined ? {} : { sourceUrl }),
      });
    },
    async open(row, { token, branch, title, body, draft }) {
      const base = row.spec.source.branch;
      return openPullRequest({
        apiUrl,
        token,
        ...repository(row, githubUrl),
        head: branch,
        title,
        body,
        draft,
        ...(base === undefined ? {} : { base }),
      });
    },
    compareUrl(row, { branch, title, body }) {
      const remote = remoteOf(row);
      const found = remote === undefined ? undefined : parseGitHubRemote(remote, githubUrl);
      const base = row.spec.source.branch;
      return (
        found &&
        compareUrl({
          githubUrl,
          ...found,
          head: branch,
          title,
          body,
          ...(base === undefined ? {} : { base }),
        })
      );
    },
  };
}

function remoteOf({ spec: { source } }: TaskRow): string | undefined {
  return source.remote ?? (source.url !== undefined && isFileUrl(source.url) ? undefined : source.url);
}

function repository(row: TaskRow, githubUrl: string): { owner: string; repo: string } {
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
    nextAction:
      'Apply the changes to your files and push them yourself, or set HANDOFF_GITHUB_URL for your GitHub.',
  });
}
