import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { Cancelled } from '../ui/failure.ts';

/** `handoff.removeSecret`: takes a secret from the relay. @returns its name; undefined where there is none to remove */
export function removeSecret(app: App) {
  return async (given: { name?: string } = {}): Promise<{ name: string } | undefined> => {
    const client = (await app.connection.client()).secrets;
    const name = given.name ?? (await pick((await client.list()).secrets));
    if (name === undefined) {
      void vscode.window.showInformationMessage(vscode.l10n.t('The relay has no secret of yours.'));
      return undefined;
    }
    await client.remove(name);
    return { name };
  };
}

async function pick(secrets: { name: string; repositories: string[] }[]): Promise<string | undefined> {
  if (secrets.length === 0) return undefined;
  const items = secrets.map(({ name, repositories }) => ({
    label: name,
    description: repositories.join(', '),
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Remove Secret'),
    placeHolder: vscode.l10n.t('It is removed for all its repositories'),
  });
  if (!picked) throw new Cancelled();
  return picked.label;
}
