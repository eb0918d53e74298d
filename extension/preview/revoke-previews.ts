import * as vscode from 'vscode';
import type { PreviewLink } from '../../server/protocol/preview.ts';
import type { App } from '../app.ts';
import { type TaskArgument, taskOf } from '../commands/task-argument.ts';
import { Cancelled } from '../ui/failure.ts';

/** `handoff.revokePreviews`: ends links to the task's sandbox, also where a browser has them open. All are chosen to begin with. */
export function revokePreviews(app: App) {
  return async (argument?: TaskArgument): Promise<{ taskId: string; revoked: number }> => {
    const taskId = await taskOf(app, argument);
    const client = await app.connection.client();
    const open = await client.previews(taskId);
    if (open.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('No preview of this task is open.'));
      return { taskId, revoked: 0 };
    }
    const chosen = await choose(open);
    for (const { previewId } of chosen) await client.revokePreview(taskId, previewId);
    return { taskId, revoked: chosen.length };
  };
}

function standing({ isOpened, expiresAt }: PreviewLink): string {
  const until = new Date(expiresAt).toLocaleTimeString([], { timeStyle: 'short' });
  return isOpened
    ? vscode.l10n.t('opened, until {0}', until)
    : vscode.l10n.t('not opened yet, until {0}', until);
}

async function choose(open: PreviewLink[]): Promise<PreviewLink[]> {
  const picked = await vscode.window.showQuickPick(
    open.map((preview) => ({
      label: `$(globe) ${preview.port}`,
      description: standing(preview),
      picked: true,
      preview,
    })),
    {
      canPickMany: true,
      title: vscode.l10n.t('Revoke Previews'),
      placeHolder: vscode.l10n.t('Links that end at once'),
    },
  );
  if (!picked) throw new Cancelled();
  return picked.map(({ preview }) => preview);
}
