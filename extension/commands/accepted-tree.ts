import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { fileCount } from '../ui/counts.ts';
import { Cancelled } from '../ui/failure.ts';
import { decisionOf } from './review-argument.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/** The task whose accepted changes a command is about: a button of an editor's title calls with the editor's document instead. */
export async function reviewedTask(app: App, argument: TaskArgument): Promise<string> {
  if (typeof argument === 'string') return argument;
  const given = typeof argument?.taskId === 'string' ? argument.taskId : undefined;
  return (
    given ?? app.review.current()?.taskId ?? (await taskOf(app, undefined, (task) => task.changedFiles > 0))
  );
}

/**
 * The tree of what was accepted. Where nothing is, the person is asked whether to accept all of it.
 * @param acceptAll what they would answer
 */
export async function acceptedTreeOf(app: App, taskId: string, acceptAll?: boolean): Promise<string> {
  const review = await app.review.load(taskId);
  if (decisionOf(review).accepted.length > 0 && review.acceptedTree !== undefined) return review.acceptedTree;
  if (!acceptAll) {
    const yes = vscode.l10n.t('Accept All');
    const answer = await vscode.window.showInformationMessage(
      vscode.l10n.t(
        'Nothing is accepted yet. Accept all of it ({0})?',
        fileCount(review.changes.files.length),
      ),
      yes,
    );
    if (answer !== yes) throw new Cancelled();
  }
  const { acceptedTree } = await app.review.setAccepted(taskId, 'all', true);
  if (acceptedTree === undefined) throw new RangeError('the relay recorded a review without a tree');
  return acceptedTree;
}
