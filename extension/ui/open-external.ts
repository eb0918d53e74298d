import * as vscode from 'vscode';
import { ExpectedError } from './failure.ts';

/** Opens a page in the browser. Only http(s): the address may come from a model, and other schemes start programs. */
export async function openExternal(url: string): Promise<void> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new ExpectedError(
      'bad_request',
      vscode.l10n.t('Handoff opens only http and https addresses.'),
      vscode.l10n.t('Copy the address and open it yourself, if you trust it.'),
    );
  }
  await vscode.env.openExternal(vscode.Uri.parse(parsed.href, true));
}
