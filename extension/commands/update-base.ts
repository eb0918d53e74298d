import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { RelayError } from '../../server/protocol/client.ts';
import type { BaseUpdated } from '../../server/protocol/update.ts';
import type { App } from '../app.ts';
import { tokenNow } from '../github/session.ts';
import { isActive } from '../relay/task-store.ts';
import { fileCount } from '../ui/counts.ts';
import { Cancelled } from '../ui/failure.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/**
 * `handoff.updateBase`: brings the task onto the newest commit of the branch that it started from. Where that does not go together, the
 * person is asked first.
 */
export function updateBase(app: App) {
  return async (argument?: TaskArgument): Promise<BaseUpdated> => {
    const taskId = await taskOf(app, argument, (task) => !isActive(task.status));
    const { source } = await app.store.read(taskId);
    const client = await app.connection.client();
    // Only where they are signed in anyway: most repositories are read without it, or in place.
    const token = await tokenNow({ remote: source?.remote, scopes: ['repo'] });
    const clientId = randomUUID();
    const updated = await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: vscode.l10n.t('Updating onto the latest commit'),
      },
      () =>
        client.updateBase(taskId, { clientId }, token).catch(async (error: unknown) => {
          if (!(error instanceof RelayError) || error.code !== 'update_conflict') throw error;
          await askMarkers(error.message);
          return client.updateBase(taskId, { clientId, onConflict: 'markers' }, token);
        }),
    );
    tell(taskId, updated);
    return updated;
  };
}

/** @param which names the files, as the relay says it */
async function askMarkers(which: string): Promise<void> {
  const go = vscode.l10n.t('Update with Conflict Markers');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('The branch changed the same lines as the agent.'),
    {
      modal: true,
      detail: `${which}\n\n${vscode.l10n.t('With markers both sides are in the proposal, for you or the agent to resolve.')}`,
    },
    go,
  );
  if (answer !== go) throw new Cancelled();
}

function tell(taskId: string, { changed, baseCommit, conflicts }: BaseUpdated): void {
  if (!changed) {
    void vscode.window.showInformationMessage(vscode.l10n.t('The task is on the latest commit already.'));
    return;
  }
  const review = vscode.l10n.t('Review Changes');
  const on = vscode.l10n.t('The task is on {0} now.', baseCommit.slice(0, 7));
  const said =
    conflicts.length === 0
      ? vscode.window.showInformationMessage(on, review)
      : vscode.window.showWarningMessage(
          `${on} ${vscode.l10n.t('Conflicts are marked in {0}.', fileCount(conflicts.length))}`,
          review,
        );
  void said.then((chosen) =>
    chosen === review ? vscode.commands.executeCommand('handoff.reviewChanges', { taskId }) : undefined,
  );
}
