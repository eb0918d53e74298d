import * as vscode from 'vscode';
import { spendingText } from '../../server/protocol/spending.ts';
import type { App } from '../app.ts';

/** `handoff.showSpending`: what model calls used and cost, as a page of its own. @returns what it says */
export function showSpending(app: App) {
  return async (): Promise<string> => {
    const client = await app.connection.client();
    const [report, tasks] = await Promise.all([client.usage(), app.store.refresh()]);
    const content = spendingText(report, new Map(tasks.map(({ taskId, title }) => [taskId, title])));
    const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
    await vscode.window.showTextDocument(document, { preview: true });
    return content;
  };
}
