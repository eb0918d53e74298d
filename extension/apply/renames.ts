import * as vscode from 'vscode';
import { type Gathered, LABELS } from './gather.ts';
import { applied, planText } from './merge-plan.ts';

/**
 * Where the proposal gave a file another name, what the person changed in it goes along to the new one. The old one is then deleted: a tab
 * that shows it stays, with their text.
 */
export async function followRenames(files: readonly Gathered[]): Promise<Gathered[]> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const file of files) {
    const old = file.renamedFrom === undefined ? undefined : byPath.get(file.renamedFrom);
    if (old?.step.kind !== 'clash' || old.step.take !== 'delete' || file.step.kind !== 'create') continue;
    const [base, mine, accepted] = [old.sides.base?.text, old.sides.mine?.text, file.sides.accepted?.text];
    if (base === undefined || mine === undefined || accepted === undefined) continue;
    const step = planText({ base, mine, accepted }, LABELS);
    const text = step.kind === 'none' ? mine : applied(mine, step.changes);
    const contents = await vscode.workspace.encode(text, { encoding: old.here.document?.encoding ?? 'utf8' });
    const conflicts = step.kind === 'edit' ? step.conflicts : 0;
    byPath.set(file.path, { ...file, step: { kind: 'create', contents, conflicts } });
    byPath.set(old.path, { ...old, step: { kind: 'delete' } });
  }
  return [...byPath.values()];
}
