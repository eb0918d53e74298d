import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { Cancelled } from '../ui/failure.ts';

/** Begins the name of a command that is there while a description is edited, for its button only. */
export const CONTINUE = 'handoff.continueDescription.';

type Kind = 'draft' | 'ready';

/**
 * The description in an untitled Markdown document, until the person says that it is done: in the notification, or, since that is hidden
 * after a while, by a button of the status bar. What they type is told as it comes.
 * @throws {Cancelled} where they close the document
 */
export async function editDescription(
  content: string,
  onTyped: (text: string) => void,
): Promise<{ body: string; kind: Kind }> {
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
  await vscode.window.showTextDocument(document);
  const items: { label: string; choice: Kind }[] = [
    { label: vscode.l10n.t('Open as Draft'), choice: 'draft' },
    { label: vscode.l10n.t('Open Ready for Review'), choice: 'ready' },
  ];
  const subscriptions: vscode.Disposable[] = [];
  try {
    const kind = await new Promise<Kind>((resolve, reject) => {
      const take = (item: { choice: Kind } | undefined) => item && resolve(item.choice);
      const isOurs = (other: vscode.TextDocument) => other === document;
      const title = vscode.l10n.t('Open Pull Request');
      const command = CONTINUE + randomUUID();
      const button = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Left, Number.MAX_VALUE);
      Object.assign(button, { text: `$(git-pull-request) ${title}`, command });
      button.tooltip = vscode.l10n.t('The description is done: open the pull request with it');
      button.show();
      subscriptions.push(
        button,
        vscode.commands.registerCommand(command, async () =>
          take(await vscode.window.showQuickPick(items, { title })),
        ),
        vscode.workspace.onDidChangeTextDocument((change) => {
          if (isOurs(change.document)) onTyped(document.getText());
        }),
        vscode.workspace.onDidCloseTextDocument((closed) => {
          if (isOurs(closed)) reject(new Cancelled());
        }),
      );
      const said = vscode.l10n.t('Edit the description of the pull request, then open it.');
      void vscode.window
        .showInformationMessage(said, ...items.map(({ label }) => label))
        .then((chosen) => take(items.find(({ label }) => label === chosen)));
    });
    return { body: document.getText(), kind };
  } finally {
    vscode.Disposable.from(...subscriptions).dispose();
  }
}
