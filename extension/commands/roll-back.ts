import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { RelayError } from '../../server/protocol/client.ts';
import type { RolledBack } from '../../server/protocol/rollback.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import type { App } from '../app.ts';
import { isActive } from '../relay/task-store.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/**
 * `handoff.rollBack`: files of the proposal and conversation as they were before a turn. What the person had said to begin that turn goes back
 * into the composer.
 */
export function rollBack(app: App) {
  return async (argument?: TaskArgument | { taskId: string; turnId?: string }): Promise<RolledBack> => {
    const taskId = await taskOf(app, argument, (task) => !isActive(task.status));
    const task = await app.store.read(taskId);
    const given = typeof argument === 'object' && 'turnId' in argument ? argument.turnId : undefined;
    const turnId = given ?? (await pickTurn(task));
    await confirm(task, turnId);
    const client = await app.connection.client();
    const clientId = randomUUID();
    const done = await client.rollBack(taskId, { clientId, turnId }).catch(async (error: unknown) => {
      if (!(error instanceof RelayError) || error.code !== 'rollback_needs_choice') throw error;
      return client.rollBack(taskId, { clientId, turnId, files: await askFiles(error.message) });
    });
    await Promise.all([app.chat.reveal(), app.panel.showTask(taskId)]);
    app.panel.putBack(taskId, { text: done.text, selection: [] });
    if (done.kept.length > 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('Kept as you changed them: {0}', done.kept.join(', ')),
      );
    }
    return done;
  };
}

const saidIn = (turn: TaskState['turns'][number] | undefined): string => {
  const first = turn?.items.find((item) => item.kind === 'user');
  return first?.kind === 'user' ? first.text.replace(/\s+/g, ' ').slice(0, 100) : '';
};

async function pickTurn({ turns }: TaskState): Promise<string> {
  if (turns.length === 0) throw nothingToUndo();
  const items = turns.toReversed().map((turn) => ({
    label: saidIn(turn),
    description: new Date(turn.startedAt).toLocaleString(vscode.env.language),
    turnId: turn.turnId,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Roll Back'),
    placeHolder: vscode.l10n.t('Back to before which message?'),
  });
  if (!picked) throw new Cancelled();
  return picked.turnId;
}

async function confirm({ turns }: TaskState, turnId: string): Promise<void> {
  const index = turns.findIndex((turn) => turn.turnId === turnId);
  const yes = vscode.l10n.t('Roll Back');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Go back to before "{0}"?', saidIn(turns[index])),
    {
      modal: true,
      detail: vscode.l10n.t(
        'What the agent did since is taken out of the proposal and out of the conversation ({0} turns). Your own files are not touched, nor is what was pushed.',
        turns.length - Math.max(0, index),
      ),
    },
    yes,
  );
  if (answer !== yes) throw new Cancelled();
}

/** @param which names the files, as the relay says it */
async function askFiles(which: string): Promise<'owned' | 'all'> {
  const keep = vscode.l10n.t('Keep My Edits');
  const restore = vscode.l10n.t('Restore All Files');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('You edited some of these files in the proposal yourself.'),
    { modal: true, detail: which },
    keep,
    restore,
  );
  if (answer === undefined) throw new Cancelled();
  return answer === keep ? 'owned' : 'all';
}

const nothingToUndo = (): ExpectedError =>
  new ExpectedError(
    'conflict',
    vscode.l10n.t('The task has no turn to go back to.'),
    vscode.l10n.t('Send it a message first.'),
  );
