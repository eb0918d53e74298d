import path from 'node:path';
import * as vscode from 'vscode';
import { DATA_FILES } from '../../server/protocol/locations.ts';
import type { App } from '../app.ts';
import { configuredUrl, relayDataDir } from '../relay/places.ts';

/** `handoff.showLog`: the extension's log, and beside it the relay's where that is on this machine. */
export function showLog(app: App) {
  return async (): Promise<void> => {
    app.log.show(true);
    if (configuredUrl() !== undefined) return;
    const file = vscode.Uri.file(path.join(relayDataDir(), DATA_FILES.log));
    await vscode.workspace.openTextDocument(file).then(
      (document) => vscode.window.showTextDocument(document, { preview: true }),
      () => app.log.info(`there is no relay log at ${file.fsPath}`),
    );
  };
}
