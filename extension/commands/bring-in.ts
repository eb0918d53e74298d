import * as vscode from 'vscode';
import { type BroughtIn, type KeptWork, keptWork } from '../../server/protocol/kept-work.ts';
import type { App } from '../app.ts';
import { isActive } from '../relay/task-store.ts';
import { fileCount } from '../ui/counts.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

/**
 * `handoff.bringIn`: merges into the proposal what a subagent made and its workspace did not take. Nothing is lost by it, so it asks only
 * which, where there is more than one.
 */
export function bringIn(app: App) {
  return async (argument?: TaskArgument): Promise<BroughtIn> => {
    const taskId = await taskOf(app, argument, (task) => !isActive(task.status));
    const work = await pick(keptWork(await app.store.read(taskId)));
    const client = await app.connection.client();
    const brought = await client.bringIn(taskId, work.agentId);
    tell(taskId, brought);
    return brought;
  };
}

async function pick(kept: readonly KeptWork[]): Promise<KeptWork> {
  const [only, ...others] = kept;
  if (only === undefined) throw nothingKept();
  if (others.length === 0) return only;
  const items = kept.map((work) => ({
    label: work.description,
    description: fileCount(work.changedCount ?? work.changed.length),
    ...(work.error === undefined ? {} : { detail: work.error.message }),
    work,
  }));
  const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Whose work?') });
  if (!picked) throw new Cancelled();
  return picked.work;
}

function tell(taskId: string, { changed, conflicts }: BroughtIn): void {
  const review = vscode.l10n.t('Review Changes');
  const marked = vscode.l10n.t('Conflicts are marked in {0}.', fileCount(conflicts.length));
  const said =
    conflicts.length > 0
      ? vscode.window.showWarningMessage(marked, review)
      : vscode.window.showInformationMessage(
          changed
            ? vscode.l10n.t('What was kept is in the proposal now.')
            : vscode.l10n.t('The proposal has all of it already.'),
          review,
        );
  void said.then((chosen) =>
    chosen === review ? vscode.commands.executeCommand('handoff.reviewChanges', { taskId }) : undefined,
  );
}

const nothingKept = (): ExpectedError =>
  new ExpectedError(
    'not_found',
    vscode.l10n.t('Nothing is kept of this task: what agents made is in the proposal, or was left out.'),
    vscode.l10n.t('Review the proposal.'),
  );
