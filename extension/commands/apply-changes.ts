import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { type Applied, applyFiles, type Clash } from '../apply/apply-files.ts';
import { gitAt } from '../git/run-git.ts';
import { repositoryOfTask } from '../git/task-repository.ts';
import { fileCount } from '../ui/counts.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { acceptedTreeOf, reviewedTask } from './accepted-tree.ts';
import type { TaskArgument } from './task-argument.ts';

/**
 * `handoff.applyChanges`: brings what was accepted into the person's own files. Nothing is saved; texts are one edit, which one undo takes
 * back.
 * @returns what became of each path; the URIs of documents with conflicts
 */
export function applyChanges(app: App) {
  return async (argument?: TaskArgument): Promise<{ taskId: string } & Applied> => {
    const taskId = await reviewedTask(app, argument);
    const acceptedTree = await acceptedTreeOf(app, taskId);
    const { source } = await app.store.read(taskId);
    if (!source) throw new RangeError('a task without a source has nothing to review');
    const { root, gitPath } = await repositoryOfTask(app.repositories, source);
    const client = await app.connection.client();
    const { files } = await client.changes(taskId, acceptedTree);
    const read = (oid: string) => client.blob(taskId, oid);
    const applied = await applyFiles({ root, git: gitAt(gitPath), read, ask: askWhichToTake }, files);
    const [conflict] = applied.conflicts;
    if (conflict) await vscode.window.showTextDocument(conflict, { preview: false });
    tell(app, applied);
    return { taskId, ...applied };
  };
}

/** Which of the files that both sides changed, and that cannot be merged, are taken as they were accepted. */
async function askWhichToTake(clashes: Clash[]): Promise<Set<string>> {
  const words: Record<Clash['take'], string> = {
    create: vscode.l10n.t('you deleted it; take the proposed file'),
    replace: vscode.l10n.t(
      'you changed it, or have not resolved its conflicts; replace yours with the proposed file',
    ),
    delete: vscode.l10n.t('you changed it; delete it as proposed'),
  };
  const items = clashes.map(({ path, take }) => ({ label: path, description: words[take] }));
  const picked = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t('Both of you changed these files, and they cannot be merged'),
    placeHolder: vscode.l10n.t('Tick what to take from the proposal; the others stay as you have them'),
    ignoreFocusOut: true,
  });
  if (!picked) throw new Cancelled('Nothing was applied.');
  return new Set(picked.map(({ label }) => label));
}

function tell(app: App, { changed, conflicts, kept, refused }: Applied): void {
  if (refused.length > 0) {
    app.report(
      new ExpectedError(
        'path_outside_workspace',
        vscode.l10n.t('Not applied, for a link, a file or a folder is in the way: {0}', refused.join(', ')),
        vscode.l10n.t('Look at these paths here, then apply the changes again.'),
      ),
    );
  }
  const isDone = changed.length + kept.length + refused.length === 0;
  const words = [
    isDone ? vscode.l10n.t('There was nothing to apply: your files have it all.') : undefined,
    changed.length > 0
      ? vscode.l10n.t('Applied to {0}; nothing is saved.', fileCount(changed.length))
      : undefined,
    conflicts.length > 0
      ? vscode.l10n.t('Resolve the conflicts in {0}.', fileCount(conflicts.length))
      : undefined,
    kept.length > 0 ? vscode.l10n.t('Kept as you have them: {0}', kept.join(', ')) : undefined,
  ];
  const said = words.filter((word) => word !== undefined);
  if (said.length === 0) return;
  if (conflicts.length > 0) void vscode.window.showWarningMessage(said.join(' '));
  else void vscode.window.showInformationMessage(said.join(' '));
}
