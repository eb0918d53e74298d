import * as vscode from 'vscode';
import { keptWork } from '../../server/protocol/kept-work.ts';
import type { TaskState } from '../../server/protocol/task.ts';
import type { App } from '../app.ts';
import { isActive } from '../relay/task-store.ts';
import { Cancelled } from '../ui/failure.ts';
import { type TaskArgument, taskOf } from './task-argument.ts';

interface Action {
  label: string;
  detail?: string;
  command: string;
  isPossible: boolean;
}

/** `handoff.taskActions`: everything that can be done with what a task has come to, as a list. */
export function taskActions(app: App) {
  return async (argument?: TaskArgument): Promise<unknown> => {
    const taskId = await taskOf(app, argument);
    const state = await app.store.read(taskId);
    const newer = app.baseHint.newer(taskId, state.source?.commit);
    const actions = actionsOf(state, newer).filter(({ isPossible }) => isPossible);
    const picked = await vscode.window.showQuickPick(actions, { placeHolder: vscode.l10n.t('What next?') });
    if (!picked) throw new Cancelled();
    return vscode.commands.executeCommand(picked.command, { taskId });
  };
}

/** @param newer the branch's commit that the task is behind */
function actionsOf(
  { status, turns, proposal, publish, unattendedUntil }: TaskState,
  newer: string | undefined,
): Action[] {
  const isProposed = (proposal?.files.length ?? 0) > 0;
  const isOpened = publish?.pullRequest !== undefined;
  const isOver = status === 'archived';
  return [
    {
      label: vscode.l10n.t('$(cloud-download) Apply accepted changes to my files'),
      detail: vscode.l10n.t('Merged with what you have, unsaved text included; nothing is saved'),
      command: 'handoff.applyChanges',
      isPossible: isProposed,
    },
    {
      label: vscode.l10n.t('$(git-branch) Commit accepted changes to a local branch'),
      detail: vscode.l10n.t('Your branch, index and files stay as they are'),
      command: 'handoff.commitToBranch',
      isPossible: isProposed,
    },
    {
      label: vscode.l10n.t('$(git-pull-request) Open pull request'),
      command: 'handoff.openPullRequest',
      isPossible: isProposed,
    },
    {
      label: vscode.l10n.t('$(sync) Look at the pull request again'),
      command: 'handoff.refreshPullRequest',
      isPossible: isOpened,
    },
    {
      label: vscode.l10n.t('$(wrench) Mend failed checks automatically'),
      command: 'handoff.followPullRequest',
      isPossible: isOpened && !isOver,
    },
    {
      label:
        unattendedUntil === undefined
          ? vscode.l10n.t('$(watch) Open a draft pull request when checks pass')
          : vscode.l10n.t('$(watch) Open no pull request by itself any more'),
      command: 'handoff.unattended',
      isPossible: !isOver,
    },
    {
      label:
        newer === undefined
          ? vscode.l10n.t('$(repo-pull) Update onto the latest commit of the branch')
          : vscode.l10n.t(
              '$(repo-pull) Update onto the latest commit of the branch ({0})',
              newer.slice(0, 7),
            ),
      detail: vscode.l10n.t(
        'Merged with what is proposed; you are asked first where that does not go together',
      ),
      command: 'handoff.updateBase',
      isPossible: !isOver && !isActive(status),
    },
    {
      label: vscode.l10n.t('$(archive) Bring in what was kept of a subagent’s work'),
      command: 'handoff.bringIn',
      isPossible: !isOver && !isActive(status) && keptWork({ turns }).length > 0,
    },
    {
      label: vscode.l10n.t('$(discard) Roll back to before a message'),
      command: 'handoff.rollBack',
      isPossible: !isOver && !isActive(status) && turns.length > 0,
    },
  ];
}
