import * as vscode from 'vscode';
import type { TaskSummary } from '../../server/protocol/task.ts';
import type { App } from '../app.ts';
import { Cancelled } from '../ui/failure.ts';
import { statusWord } from '../ui/task-tree.ts';

/** What a command about a task may be called with: a row of a tree, an id, or nothing. */
export type TaskArgument = { taskId: string } | string | undefined;

/**
 * The task that a command is about: the one it was given, the one that the chat shows where `suits` it, else the person's
 * pick among those that do.
 */
export async function taskOf(
  app: App,
  argument: TaskArgument,
  suits: (task: TaskSummary) => boolean = () => true,
): Promise<string> {
  if (typeof argument === 'string') return argument;
  if (typeof argument?.taskId === 'string') return argument.taskId;
  const candidates = (await app.store.refresh()).filter((task) => task.status !== 'archived' && suits(task));
  const shown = candidates.find(({ taskId }) => taskId === app.panel.taskId());
  if (shown) return shown.taskId;
  const picked = await vscode.window.showQuickPick(
    candidates.map(({ taskId, title, status, repository }) => ({
      label: title,
      description: `${repository} · ${statusWord(status)}`,
      taskId,
    })),
    { placeHolder: vscode.l10n.t('Which task?') },
  );
  if (!picked) throw new Cancelled();
  return picked.taskId;
}
