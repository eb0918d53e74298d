import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { authorIn } from '../git/author.ts';
import { repositoryOfTask } from '../git/task-repository.ts';
import { withToken } from '../github/with-token.ts';
import { Cancelled } from '../ui/failure.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/**
 * `handoff.unattended`: leaves the person's token for this one task, so that the relay opens a draft pull request by itself when a turn has
 * completed and the checks have passed; or takes it back.
 * @returns until when that is so (ms since 1970); nothing where it is not any more
 */
export function unattended(app: App) {
  return async (argument?: TaskArgument): Promise<{ taskId: string; until: number | undefined }> => {
    const taskId = await taskOf(app, argument);
    const client = await app.connection.client();
    const { until } = await client.unattended(taskId);
    if (until !== undefined) {
      await confirmEnd(until);
      await client.disarmUnattended(taskId);
      return { taskId, until: undefined };
    }
    const hours = await askHours();
    const { source } = await app.store.read(taskId);
    const author = source && (await authorIn(() => repositoryOfTask(app.repositories, source)));
    const armed = await withToken(source?.remote, (token) =>
      client.armUnattended(taskId, { hours, ...(author ? { author } : {}) }, token),
    );
    return { taskId, until: armed.until };
  };
}

async function confirmEnd(until: number): Promise<void> {
  const end = vscode.l10n.t('Turn Off');
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      'Until {0} the relay opens a draft pull request by itself. Turn that off and destroy your token there?',
      new Date(until).toLocaleString(vscode.env.language),
    ),
    end,
  );
  if (answer !== end) throw new Cancelled();
}

async function askHours(): Promise<number> {
  const yes = vscode.l10n.t('Choose for How Long');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Open a draft pull request when checks pass, with nobody asked?'),
    {
      modal: true,
      detail: vscode.l10n.t(
        'When the agent has finished and the checks of the repository have passed, the relay accepts all that you have not rejected, pushes it and opens a draft pull request as you; also while every editor is closed. For that your GitHub token is kept at the relay, encrypted, for this task only. It is destroyed when it was used, when the time is over, or when you turn this off. Nothing is pushed that looks like a secret or changes workflows.',
      ),
    },
    yes,
  );
  if (answer !== yes) throw new Cancelled();
  const items = [
    { label: vscode.l10n.t('8 hours'), hours: 8 },
    { label: vscode.l10n.t('1 day'), hours: 24 },
    { label: vscode.l10n.t('3 days'), hours: 72 },
    { label: vscode.l10n.t('7 days'), hours: 168 },
  ];
  const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('For how long?') });
  if (!picked) throw new Cancelled();
  return picked.hours;
}
