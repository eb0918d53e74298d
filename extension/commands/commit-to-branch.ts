import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { branchTrouble, fetchBundle } from '../git/local-branch.ts';
import { gitAt } from '../git/run-git.ts';
import { repositoryOfTask } from '../git/task-repository.ts';
import { askText } from '../ui/ask-text.ts';
import { Cancelled } from '../ui/failure.ts';
import { acceptedTreeOf, reviewedTask } from './accepted-tree.ts';
import { commitsFor } from './commits-for.ts';
import type { TaskArgument } from './task-argument.ts';

/**
 * `handoff.commitToBranch`: commits what was accepted to a new local branch. HEAD, index, files and stash stay as they are.
 * @returns the branch, and its commit
 */
export function commitToBranch(app: App) {
  return async (
    argument?: TaskArgument | { taskId: string; branch?: string },
  ): Promise<{ taskId: string; branch: string; commit: string }> => {
    const given = typeof argument === 'object' && 'branch' in argument ? argument.branch : undefined;
    const taskId = await reviewedTask(app, argument);
    const acceptedTree = await acceptedTreeOf(app, taskId);
    const { source } = await app.store.read(taskId);
    if (!source) throw new RangeError('a task without a source has nothing to review');
    const { root, gitPath } = await repositoryOfTask(app.repositories, source);
    const repo = { git: gitAt(gitPath), root };
    const client = await app.connection.client();
    const preflight = await client.preflight(taskId, {});
    const branch = given ?? (await askNewBranch(repo, preflight.head.branch));
    const { commit, bundle } = await commitsFor(app, { taskId, acceptedTree, preflight, repo });
    await fetchBundle(repo, bundle, { commit, ref: `refs/heads/${branch}` });
    const checkOut = vscode.l10n.t('Check Out');
    void vscode.window
      .showInformationMessage(
        vscode.l10n.t('Committed to the branch {0}; you are where you were.', branch),
        checkOut,
      )
      .then((chosen) => (chosen === checkOut ? vscode.commands.executeCommand('git.checkout') : undefined));
    return { taskId, branch, commit };
  };
}

async function askNewBranch(repo: Parameters<typeof branchTrouble>[0], suggested: string): Promise<string> {
  for (let value = suggested; ; ) {
    value = await askText({
      title: vscode.l10n.t('Commit to a New Branch'),
      prompt: vscode.l10n.t('Name of the branch; nothing else here is changed'),
      value,
      check: (text) => (text.trim() === '' ? vscode.l10n.t('A branch needs a name.') : undefined),
    });
    const trouble = await branchTrouble(repo, value);
    if (trouble === undefined) return value;
    const again = vscode.l10n.t('Choose Another Name');
    const said =
      trouble === 'taken'
        ? vscode.l10n.t('There is a branch {0} already, and it stays as it is.', value)
        : vscode.l10n.t('Git allows no branch {0}.', value);
    if ((await vscode.window.showWarningMessage(said, again)) !== again) throw new Cancelled();
  }
}
