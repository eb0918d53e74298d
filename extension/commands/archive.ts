import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { Cancelled } from '../ui/failure.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/**
 * `handoff.archive`: destroys the task's sandbox and keeps its record. Asks first, unless the task was given with
 * `confirmed: true`.
 */
export function archive(app: App) {
  return async (
    argument?: TaskArgument | { taskId: string; confirmed?: boolean },
  ): Promise<{ taskId: string }> => {
    const taskId = await taskOf(app, argument);
    const confirmed = typeof argument === 'object' && 'confirmed' in argument && argument.confirmed === true;
    if (!confirmed) await confirm(app, taskId);
    await (await app.connection.client()).archive(taskId);
    if (app.panel.taskId() === taskId) app.panel.showList();
    if (app.review.current()?.taskId === taskId) app.review.close();
    await app.store.refresh();
    return { taskId };
  };
}

async function confirm(app: App, taskId: string): Promise<void> {
  const yes = vscode.l10n.t('Archive');
  const title = app.store.tasks().find((task) => task.taskId === taskId)?.title ?? taskId;
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t(
      'Archive "{0}"? Its sandbox is destroyed; the chat and the proposal stay on the relay.',
      title,
    ),
    yes,
  );
  if (answer !== yes) throw new Cancelled();
}
