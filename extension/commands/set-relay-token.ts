import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { configuredUrl, tokenKey } from '../relay/places.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';

/** `handoff.setRelayToken`: the token of the relay that is set in the settings, kept in the secret storage. */
export function setRelayToken(app: App) {
  return async (given?: string): Promise<void> => {
    const url = configuredUrl();
    if (url === undefined) {
      throw new ExpectedError(
        'conflict',
        vscode.l10n.t('The relay of this machine needs no token from you.'),
        vscode.l10n.t('Set "handoff.relayUrl" first, if you want to use a relay that runs elsewhere.'),
      );
    }
    const token =
      given ??
      (await vscode.window.showInputBox({
        title: vscode.l10n.t('Set Relay Token'),
        prompt: vscode.l10n.t('Token of the relay at {0}', url),
        password: true,
        ignoreFocusOut: true,
      }));
    if (!token?.trim()) throw new Cancelled();
    await app.secrets.store(tokenKey(url), token.trim());
    app.connection.reset();
    await app.setup.refresh();
  };
}
