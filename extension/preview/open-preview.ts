import * as vscode from 'vscode';
import type { RelayClient } from '../../server/protocol/client.ts';
import type { App } from '../app.ts';
import { type TaskArgument, taskOf } from '../commands/task-argument.ts';
import { isLoopback } from '../git/delegate-task.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { openExternal } from '../ui/open-external.ts';
import { browserUrl } from './browser-url.ts';

/**
 * `handoff.openPreview`: shows in the person's browser what listens in the task's sandbox. Which port is asked, unless it was given or
 * there is only one.
 */
export function openPreview(app: App) {
  return async (
    argument?: TaskArgument | { taskId: string; port?: number },
  ): Promise<{ taskId: string; port: number }> => {
    const taskId = await taskOf(app, argument);
    const client = await app.connection.client();
    const given = typeof argument === 'object' && 'port' in argument ? argument.port : undefined;
    const port = given ?? (await choosePort(client, taskId));
    const { url } = await client.openPreview(taskId, { port });
    const state = app.connection.state();
    const reached = await browserUrl(url, {
      isRelayHere: state.kind === 'connected' && isLoopback(state.url),
      forward: async (address) =>
        (await vscode.env.asExternalUri(vscode.Uri.parse(address, true))).toString(true),
      translate: vscode.l10n.t,
    });
    await openExternal(reached);
    return { taskId, port };
  };
}

async function choosePort(client: RelayClient, taskId: string): Promise<number> {
  const { sandbox, ports } = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Looking for open ports') },
    () => client.ports(taskId),
  );
  if (sandbox === 'none') throw noSandbox();
  if (sandbox === 'asleep') return askPort();
  const [only] = ports;
  if (only === undefined) throw nothingListens();
  if (ports.length === 1) return only;
  const picked = await vscode.window.showQuickPick(
    ports.map((port) => ({ label: `$(globe) ${port}`, port })),
    {
      title: vscode.l10n.t('Open Preview'),
      placeHolder: vscode.l10n.t('Ports that are open in the sandbox'),
    },
  );
  if (!picked) throw new Cancelled();
  return picked.port;
}

/** Nothing can be listed in a sandbox that sleeps; the page offers to wake it. */
async function askPort(): Promise<number> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Open Preview'),
    prompt: vscode.l10n.t('The sandbox sleeps; the page will offer to wake it. Which port?'),
    validateInput: (value) => (isPort(value) ? undefined : vscode.l10n.t('A whole number from 1 to 65535.')),
  });
  if (text === undefined) throw new Cancelled();
  return Number(text);
}

const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;

function noSandbox(): ExpectedError {
  return new ExpectedError(
    'conflict',
    vscode.l10n.t('The task has no sandbox now, so there is nothing to preview.'),
    vscode.l10n.t('Wait until the agent has begun, or send the task a message.'),
  );
}

function nothingListens(): ExpectedError {
  return new ExpectedError(
    'conflict',
    vscode.l10n.t('No server listens in the task’s sandbox now.'),
    vscode.l10n.t(
      'Name it as a service in .handoff/config.json, or look while the agent runs it: what the agent starts ends with its turn.',
    ),
  );
}
