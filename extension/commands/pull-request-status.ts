import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { MOST_FIXES, type PullRequestStatus } from '../../server/protocol/follow.ts';
import type { App } from '../app.ts';
import { withToken } from '../github/with-token.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

const ofPullRequest = (app: App, argument: TaskArgument): Promise<string> =>
  taskOf(app, argument, (task) => task.pullRequestUrl !== undefined);

/** `handoff.refreshPullRequest`: looks at the pull request as the person, its checks and what was written at it. */
export function refreshPullRequest(app: App) {
  return async (argument?: TaskArgument): Promise<PullRequestStatus> => {
    const taskId = await ofPullRequest(app, argument);
    const { source } = await app.store.read(taskId);
    const client = await app.connection.client();
    return withToken(source?.remote, (token) => client.refreshPullRequest(taskId, token));
  };
}

export interface FixArguments {
  taskId: string;
  what: 'checks' | 'comments';
}

/** `handoff.fixPullRequest`: hands the checks that failed, or comments that the person picks, to the agent as one message. */
export function fixPullRequest(app: App) {
  return async (argument?: TaskArgument | FixArguments): Promise<{ taskId: string; messageId: string }> => {
    const taskId = await ofPullRequest(app, argument);
    const { source, pullRequest } = await app.store.read(taskId);
    const failed = pullRequest?.checks.filter(({ state }) => state === 'failed') ?? [];
    const given = typeof argument === 'object' && 'what' in argument ? argument.what : undefined;
    const what = given ?? (failed.length > 0 ? 'checks' : 'comments');
    if (pullRequest === undefined || (what === 'checks' && failed.length === 0)) throw nothingToFix();
    const asked =
      what === 'checks'
        ? { checkIds: failed.map(({ checkId }) => checkId) }
        : { commentIds: await pickComments(pullRequest) };
    const clientId = randomUUID();
    const client = await app.connection.client();
    const { messageId } = await withToken(source?.remote, (token) =>
      client.fixPullRequest(taskId, { clientId, ...asked }, token),
    );
    await Promise.all([app.chat.reveal(), app.panel.showTask(taskId)]);
    return { taskId, messageId };
  };
}

async function pickComments({ comments }: PullRequestStatus): Promise<string[]> {
  if (comments.length === 0) throw nothingToFix();
  const items = comments.toReversed().map(({ commentId, author, text, path, line }) => ({
    label: author,
    description: path === undefined ? '' : line === undefined ? path : `${path}:${line}`,
    detail: text.replace(/\s+/g, ' ').slice(0, 200),
    picked: true,
    commentId,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t('Address Review Comments'),
    placeHolder: vscode.l10n.t('Which of them is the agent to address?'),
    ignoreFocusOut: true,
  });
  if (!picked || picked.length === 0) throw new Cancelled();
  return picked.map(({ commentId }) => commentId);
}

/** `handoff.followPullRequest`: how often the agent mends failed checks with nobody asked. */
export function followPullRequest(app: App) {
  return async (
    argument?: TaskArgument | { taskId: string; autoFix?: number },
  ): Promise<{ taskId: string; autoFix: number }> => {
    const taskId = await ofPullRequest(app, argument);
    const { follow } = await app.store.read(taskId);
    const given = typeof argument === 'object' && 'autoFix' in argument ? argument.autoFix : undefined;
    const autoFix = given ?? (await pickFixes(follow?.autoFix ?? 0));
    await (await app.connection.client()).followPullRequest(taskId, { autoFix });
    return { taskId, autoFix };
  };
}

async function pickFixes(now: number): Promise<number> {
  const items = Array.from({ length: MOST_FIXES + 1 }, (_, autoFix) => ({
    label:
      autoFix === 0
        ? vscode.l10n.t('Never: I say so each time')
        : autoFix === 1
          ? vscode.l10n.t('Once')
          : vscode.l10n.t('Up to {0} times', autoFix),
    description: autoFix === now ? vscode.l10n.t('now') : '',
    autoFix,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Mend Failed Checks Automatically'),
    placeHolder: vscode.l10n.t(
      'The agent begins a turn when a check of what it pushed fails; you still review what it changes',
    ),
  });
  if (!picked) throw new Cancelled();
  return picked.autoFix;
}

const nothingToFix = (): ExpectedError =>
  new ExpectedError(
    'conflict',
    vscode.l10n.t('Nothing has failed and nothing was written at the pull request, as far as was looked.'),
    vscode.l10n.t('Look at it again in a moment.'),
  );
