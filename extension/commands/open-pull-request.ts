import * as vscode from 'vscode';
import type { Publish, TaskState } from '../../server/protocol/task.ts';
import type { App } from '../app.ts';
import { authorOf } from '../git/author.ts';
import { gitAt } from '../git/run-git.ts';
import { askPullRequest, type PullRequestText, type Suggestion } from '../github/ask-pull-request.ts';
import { githubToken } from '../github/session.ts';
import { ExpectedError } from '../ui/failure.ts';
import { openExternal } from '../ui/open-external.ts';
import { acceptedTreeOf, reviewedTask } from './accepted-tree.ts';
import type { TaskArgument } from './task-argument.ts';

/** What is given is not asked. */
export interface PullRequestArguments extends Partial<PullRequestText> {
  taskId: string;
  /** Accepts every file first where none is accepted; asked where absent. */
  acceptAll?: boolean;
}

/**
 * `handoff.openPullRequest`: pushes what was accepted and opens the pull request, as the person. They sign in to GitHub only
 * now; the token goes to the relay in a header for this one request.
 * @returns how far it came
 */
export function openPullRequest(app: App) {
  return async (argument?: TaskArgument | PullRequestArguments): Promise<Publish> => {
    const given: Partial<PullRequestArguments> = typeof argument === 'object' ? argument : {};
    const taskId = await reviewedTask(app, argument);
    const acceptedTree = await acceptedTreeOf(app, taskId, given.acceptAll);
    const text = await askPullRequest(given, suggestion(await app.store.read(taskId)));
    const token = await githubToken();
    const author = await authorHere(app);
    const client = await app.connection.client();
    const publish = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Opening the pull request') },
      () => client.openPullRequest(taskId, { acceptedTree, ...text, ...(author ? { author } : {}) }, token),
    );
    tell(app, publish);
    return publish;
  };
}

/** Title and description as the agent would put them: the task's title, and what it answered last. */
function suggestion({ title, turns, source }: TaskState): Suggestion {
  const answers = turns.flatMap(({ items }) => items.filter((item) => item.kind === 'text'));
  return { title, body: answers.at(-1)?.text ?? '', carried: source?.overlayFiles ?? 0 };
}

/** The author by the Git configuration of the repository here; the relay takes the token's owner where there is none. */
async function authorHere(app: App) {
  const repository = (await app.repositories.all())[0];
  return repository && authorOf(gitAt(repository.gitPath), repository.root);
}

/** Success and failure, each with its way on. */
function tell(app: App, { stage, pullRequest, error, compareUrl }: Publish): void {
  if (stage === 'opened' && pullRequest) {
    const open = vscode.l10n.t('Open Pull Request');
    const said = pullRequest.reused
      ? vscode.l10n.t('Pull request #{0} was brought up to date.', pullRequest.number)
      : vscode.l10n.t('Pull request #{0} is open.', pullRequest.number);
    offer(vscode.window.showInformationMessage(said, open), open, pullRequest.url);
  } else if (error && compareUrl) {
    const open = vscode.l10n.t('Open Compare Page');
    offer(vscode.window.showWarningMessage(error.message, open), open, compareUrl);
  } else if (error) {
    const next = error.nextAction ?? vscode.l10n.t('Try again; the relay log has the details.');
    app.report(new ExpectedError(error.code, error.message, next));
  }
}

function offer(answer: Thenable<string | undefined>, button: string, url: string): void {
  void answer.then((chosen) => (chosen === button ? openExternal(url) : undefined));
}
