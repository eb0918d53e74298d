import * as vscode from 'vscode';
import { OWN_COMMANDS } from '../../server/protocol/slash-commands.ts';
import type { App } from '../app.ts';
import { archive } from '../commands/archive.ts';
import { startTask } from '../commands/delegate.ts';
import { openPullRequest } from '../commands/open-pull-request.ts';
import { previewUncommitted } from '../commands/preview-uncommitted.ts';
import { reviewChanges } from '../commands/review-changes.ts';
import { rollBack } from '../commands/roll-back.ts';
import { setUpModel } from '../commands/set-up-model.ts';
import { showLog } from '../commands/show-log.ts';
import { stop } from '../commands/stop.ts';
import { createMakeReady } from '../git/make-ready.ts';
import { fileIn } from '../git/repositories.ts';
import { workspaceCommands } from '../git/workspace-commands.ts';
import { openPreview } from '../preview/open-preview.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { openExternal } from '../ui/open-external.ts';
import type { PanelActions } from './handlers.ts';
import { taskActionsOf } from './task-actions.ts';

/** What the panel asks for, done with the same commands that the menus have. */
export function createActions(app: App): PanelActions {
  const review = reviewChanges(app);
  return {
    makeReady: quietMakeReady(app),
    delegate: (prompt, selection, clientId, mode) =>
      settled(async () => {
        const repository = await app.repositories.pick();
        return startTask(app, { repository, prompt, selection, clientId, ...(mode ? { mode } : {}) });
      }),
    send: async (taskId, text, selection, clientId, mode) => {
      const message = { clientId, text, selection, ...(mode ? { mode } : {}) };
      await (await app.connection.client()).sendMessage(taskId, message);
    },
    commands: (taskId) => commandsOf(app, taskId),
    answer: async (taskId, questionId, answer) =>
      (await app.connection.client()).answer(taskId, { questionId, answer }),
    editMessage: async (taskId, messageId, text) =>
      (await app.connection.client()).editMessage(taskId, messageId, { text }),
    withdrawMessage: async (taskId, messageId) =>
      (await app.connection.client()).withdrawMessage(taskId, messageId),
    stop: stop(app),
    stopAgent: async (taskId, agentId) => (await app.connection.client()).stopAgent(taskId, agentId),
    archive: (taskId) => archive(app)({ taskId }),
    review: (taskId, path) => review(path === null ? { taskId } : { taskId, path }),
    pullRequest: (taskId) => openPullRequest(app)({ taskId }),
    rollBack: (taskId, turnId) => rollBack(app)({ taskId, turnId }),
    taskAction: (taskId, action) => taskActionsOf(app)[action](taskId),
    preview: (taskId) => openPreview(app)({ taskId }),
    openFile: (_taskId, path, line) => openFile(app, path, line),
    openExternal,
    copy: async (text) => vscode.env.clipboard.writeText(text),
    setUpModel: () => setUpModel(app)(),
    fixWorkspace: () => fixWorkspace(app),
    previewUncommitted: () => previewUncommitted(app)(),
    retryConnection: async () => {
      await Promise.all([app.store.refresh(), app.setup.refresh()]);
    },
    showLog: () => void showLog(app)(),
  };
}

/** Never rejects: a list to choose from is a help and no more. */
async function commandsOf({ connection, repositories, log }: App, taskId: string | null) {
  try {
    if (taskId !== null) return (await (await connection.client()).commands(taskId)).commands;
    const repository = await repositories.likely();
    return repository === undefined ? [...OWN_COMMANDS] : await workspaceCommands(repository.root);
  } catch (error) {
    log.warn(`no commands to choose from: ${String(error)}`);
    return undefined;
  }
}

/** Never rejects: nobody waits for it. */
function quietMakeReady({ connection, repositories, log }: App): () => Promise<void> {
  const makeReady = createMakeReady({
    likely: repositories.likely,
    async relay() {
      const client = await connection.client();
      const state = connection.state();
      return state.kind === 'connected' ? { client, url: state.url } : undefined;
    },
    now: Date.now,
  });
  return () =>
    makeReady().catch((error: unknown) =>
      log.debug(`nothing was made ready: ${error instanceof Error ? error.message : error}`),
    );
}

/** The panel waits for an answer to its command: a cancellation gives the draft back with a word. */
async function settled<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    throw new ExpectedError(
      'interrupted',
      vscode.l10n.t('Nothing was delegated.'),
      vscode.l10n.t('Your text is still here; delegate it when you are ready.'),
    );
  }
}

/** The path is the model's word: it must be in a repository of this window, and a link in it must not lead out. */
async function openFile(app: App, path: string, line: number | null): Promise<void> {
  for (const { root } of await app.repositories.all()) {
    const file = await fileIn(root, path);
    if (!file) continue;
    const at = line === null ? {} : { selection: new vscode.Range(line - 1, 0, line - 1, 0) };
    await vscode.commands.executeCommand('vscode.open', file, { preview: true, ...at });
    return;
  }
  throw new ExpectedError(
    'not_found',
    vscode.l10n.t('{0} is not in a repository of this window.', path),
    vscode.l10n.t('The agent may have made it: look at the review.'),
  );
}

/** Mends what `setup.workspace` lacks. */
async function fixWorkspace(app: App): Promise<void> {
  const { workspace } = await app.repositories.status();
  const commands = {
    'no-folder': 'workbench.action.files.openFolder',
    'no-git': 'git.init',
    untrusted: 'workbench.trust.manage',
    ready: undefined,
  };
  const command = commands[workspace];
  if (command) await vscode.commands.executeCommand(command);
  await app.setup.refresh();
}
