import * as vscode from 'vscode';
import type { Preflight } from '../../server/protocol/publish.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import type { App } from '../app.ts';
import { authorIn } from '../git/author.ts';
import { pushBundle } from '../git/push-branch.ts';
import { gitAt } from '../git/run-git.ts';
import { repositoryOfTask } from '../git/task-repository.ts';
import { askPullRequest, type PullRequestText } from '../github/ask-pull-request.ts';
import type { Wish } from '../github/ask-way-on.ts';
import { lookAhead, type Outcome, publishUntilDone } from '../github/publish-flow.ts';
import { openExternal } from '../ui/open-external.ts';
import { acceptedTreeOf, reviewedTask } from './accepted-tree.ts';
import { commitsFor } from './commits-for.ts';
import type { TaskArgument } from './task-argument.ts';

/** What is given is not asked. */
export interface PullRequestArguments extends Partial<PullRequestText> {
  taskId: string;
  /** Accepts every file first where none is accepted; asked where absent. */
  acceptAll?: boolean;
}

/**
 * `handoff.openPullRequest`: pushes what was accepted and opens the pull request, as the person. They sign in to GitHub only
 * now; the token goes to the relay in a header for this one request. What they typed is kept until the pull request is open.
 * @returns how far it came
 */
export function openPullRequest(app: App) {
  return async (argument?: TaskArgument | PullRequestArguments): Promise<Outcome> => {
    const given: Partial<PullRequestArguments> = typeof argument === 'object' ? argument : {};
    const taskId = await reviewedTask(app, argument);
    const acceptedTree = await acceptedTreeOf(app, taskId, given.acceptAll);
    const { source } = await app.store.read(taskId);
    const client = await app.connection.client();
    const flow = {
      ...{ client, taskId, acceptedTree, remote: source?.remote },
      // The relay takes the token's owner where there is none.
      author: source && (await authorIn(() => repositoryOfTask(app.repositories, source))),
      pushWithOwnGit: (wish: Wish, preflight: Preflight) =>
        pushWithOwnGit(app, { taskId, acceptedTree, source, wish, preflight }),
    };
    const draft = app.drafts.of(taskId);
    const at = { ...draft, ...given };
    void app.baseHint.look(taskId);
    const preflight = await lookAhead(flow, at);
    const text = await askPullRequest(
      given,
      draft,
      preflight,
      (typed) => void app.drafts.keep(taskId, typed),
    );
    const sign = vscode.workspace.getConfiguration('handoff').get<boolean>('signCommits') ?? false;
    const wish = { ...text, sign, allowWorkflows: false, allowedSecrets: [] };
    const outcome = await publishUntilDone(flow, wish, { at, preflight });
    if (outcome.kind !== 'failed') await app.drafts.drop(taskId);
    tell(outcome);
    return outcome;
  };
}

/** For a remote that is not GitHub's: the same commits, pushed with the person's own credentials. */
async function pushWithOwnGit(
  app: App,
  asked: {
    taskId: string;
    acceptedTree: string;
    source: TaskState['source'];
    wish: Wish;
    preflight: Preflight;
  },
): Promise<void> {
  const { taskId, acceptedTree, source, wish, preflight } = asked;
  if (source?.remote === undefined) throw new RangeError('a remote without an address was asked for');
  const { root, gitPath } = await repositoryOfTask(app.repositories, source);
  const repo = { git: gitAt(gitPath), root, gitPath };
  const { commit, bundle } = await commitsFor(app, { taskId, acceptedTree, preflight, repo, wish });
  const branch = wish.branch ?? preflight.head.branch;
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Pushing {0}', branch) },
    () => pushBundle(repo, bundle, { commit, branch, remote: source.remote ?? '' }),
  );
}

/** A failure was told on the way. */
function tell(outcome: Outcome): void {
  if (outcome.kind === 'pushed') {
    const said = vscode.l10n.t('Pushed {0} with your own credentials.', outcome.branch);
    offer(said, vscode.l10n.t('Open the Page for the Request'), outcome.compareUrl);
  }
  const pullRequest = outcome.kind === 'opened' ? outcome.publish.pullRequest : undefined;
  if (!pullRequest) return;
  const said = pullRequest.reused
    ? vscode.l10n.t('Pull request #{0} was brought up to date.', pullRequest.number)
    : vscode.l10n.t('Pull request #{0} is open.', pullRequest.number);
  offer(said, vscode.l10n.t('Open Pull Request'), pullRequest.url);
}

function offer(said: string, button: string, url: string | undefined): void {
  const buttons = url === undefined ? [] : [button];
  void vscode.window
    .showInformationMessage(said, ...buttons)
    .then((chosen) => (chosen !== undefined && url !== undefined ? openExternal(url) : undefined));
}
