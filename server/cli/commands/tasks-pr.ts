import type { RelayClient } from '../../protocol/client.ts';
import { Uncommitted } from '../../protocol/commands.ts';
import { CliError, type Terminal, UsageError } from '../command.ts';
import { githubToken } from '../github-token.ts';
import { printable } from '../progress.ts';
import { acceptedTree } from './tasks-review.ts';

export interface PullRequestOptions {
  title: string | undefined;
  body: string | undefined;
  /** The branch that it is to go into. */
  base: string | undefined;
  branch: string | undefined;
  uncommitted: string | undefined;
  /** Not as a draft. */
  ready: boolean;
  allowWorkflows: boolean;
  /** Fingerprints of findings that are no secrets. */
  allowSecret: string[];
  json: boolean;
}

type Client = Pick<RelayClient, 'getTask' | 'changes' | 'patchReview' | 'preflight' | 'openPullRequest'>;

/**
 * `tasks pr <task>`: pushes what was accepted and opens a pull request, as a draft unless told otherwise. Title and body are the agent's
 * proposal where they are not given.
 * @throws {CliError} where nothing was accepted, there is no token, or the pull request was not opened
 */
export async function openTaskPullRequest(
  connect: () => Promise<Client>,
  [taskId, ...more]: string[],
  options: PullRequestOptions,
  terminal: Terminal,
): Promise<void> {
  if (taskId === undefined || more.length > 0) throw new UsageError('tasks pr needs one task: tasks pr ID');
  const uncommitted = Uncommitted.safeParse(options.uncommitted ?? 'leave-out').data;
  if (uncommitted === undefined) throw new UsageError(`--uncommitted is ${Uncommitted.options.join(' or ')}`);
  const token = await githubToken(terminal);
  const client = await connect();
  const tree = await acceptedTree(client, taskId);
  const target = {
    uncommitted,
    ...(options.base === undefined ? {} : { base: options.base }),
    ...(options.branch === undefined ? {} : { branch: options.branch }),
  };
  const needsWords = options.title === undefined || options.body === undefined;
  const proposed = needsWords ? await client.preflight(taskId, target, token) : { title: '', body: '' };
  const published = await client.openPullRequest(
    taskId,
    {
      ...target,
      acceptedTree: tree,
      title: options.title ?? proposed.title,
      body: options.body ?? proposed.body,
      draft: !options.ready,
      allowWorkflows: options.allowWorkflows,
      allowedSecrets: options.allowSecret,
    },
    token,
  );
  if (options.json) terminal.out(`${JSON.stringify(published)}\n`);
  const { pullRequest, error, compareUrl } = published;
  if (pullRequest !== undefined && !options.json) terminal.out(`${pullRequest.url}\n`);
  if (pullRequest !== undefined) return;
  const byHand = compareUrl === undefined ? undefined : `Open it by hand: ${compareUrl}`;
  throw new CliError(
    printable(error?.message ?? 'The pull request was not opened.'),
    [error?.nextAction, byHand].filter(Boolean).join(' ') || `Look at it: npm start -- tasks ${taskId}`,
  );
}
