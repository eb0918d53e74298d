import * as vscode from 'vscode';
import type { RelayClient } from '../../server/protocol/client.ts';
import { tokenNow } from '../github/session.ts';
import type { TaskStore } from '../relay/task-store.ts';
import type { Log } from '../ui/log.ts';
import { createBaseHint } from './base-hint.ts';

/** The hint as a notification; the person is not asked to sign in for it. */
export function createBaseNotice(deps: {
  store: Pick<TaskStore, 'read'>;
  client: () => Promise<RelayClient>;
  log: Log;
}) {
  return createBaseHint({
    log: deps.log,
    async standing(taskId) {
      const { source } = await deps.store.read(taskId);
      const token = await tokenNow({ remote: source?.remote, scopes: ['repo'] });
      return (await deps.client()).baseStanding(taskId, token);
    },
    tell(taskId, { branch, latestCommit }) {
      const update = vscode.l10n.t('Update onto Latest');
      const said = vscode.l10n.t(
        '{0} has a newer commit ({1}) than the one that the task started from.',
        branch,
        latestCommit.slice(0, 7),
      );
      void vscode.window
        .showInformationMessage(said, update)
        .then((chosen) =>
          chosen === update ? vscode.commands.executeCommand('handoff.updateBase', { taskId }) : undefined,
        );
    },
  });
}
