import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { activeTask } from '../review/open-review.ts';
import { countsOf } from '../review/outline.ts';
import { fromReviewUri } from '../review/uris.ts';
import { fileCount } from '../ui/counts.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { decisionOf } from './review-argument.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/**
 * The task whose review a command is about: the one it was given, else that of the tab the person looks at, else the one that the
 * "Review" view shows. A button of an editor's title gives the editor's document.
 */
export async function reviewedTask(app: App, argument: TaskArgument | vscode.Uri): Promise<string> {
  if (typeof argument === 'string') return argument;
  if (argument && 'taskId' in argument && typeof argument.taskId === 'string') return argument.taskId;
  const document = argument instanceof vscode.Uri ? fromReviewUri(argument) : undefined;
  const known = document?.taskId ?? activeTask() ?? app.review.current()?.taskId;
  return known ?? (await taskOf(app, undefined, (task) => task.changedFiles > 0));
}

/**
 * The tree of what was accepted. Where nothing is, the person is asked whether to accept all that they did not undo.
 * @param acceptAll what they would answer
 */
export async function acceptedTreeOf(app: App, taskId: string, acceptAll?: boolean): Promise<string> {
  const review = await app.review.load(taskId);
  if (decisionOf(review).accepted.length > 0 && review.acceptedTree !== undefined) return review.acceptedTree;
  const open = review.files.filter(({ items }) => items.some(({ state }) => state !== 'rejected'));
  if (open.length === 0) {
    throw new ExpectedError(
      'nothing_accepted',
      vscode.l10n.t('You undid everything that the agent proposed.'),
      vscode.l10n.t('Keep a change in the "Review" view first.'),
    );
  }
  if (!acceptAll) {
    const yes = vscode.l10n.t('Accept All');
    const { rejected } = countsOf(review.files);
    const question =
      rejected === 0
        ? vscode.l10n.t('Nothing is accepted yet. Accept all of it ({0})?', fileCount(open.length))
        : vscode.l10n.t(
            'Nothing is accepted yet. Accept all that you did not undo ({0})?',
            fileCount(open.length),
          );
    const answer = await vscode.window.showInformationMessage(question, yes);
    if (answer !== yes) throw new Cancelled();
  }
  const { acceptedTree } = await app.review.setAccepted(taskId, 'all', true);
  if (acceptedTree === undefined) throw new RangeError('the relay recorded a review without a tree');
  return acceptedTree;
}
