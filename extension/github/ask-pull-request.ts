import * as vscode from 'vscode';
import { fileCount } from '../ui/counts.ts';
import { Cancelled } from '../ui/failure.ts';

export interface PullRequestText {
  title: string;
  body: string;
  draft: boolean;
}

export interface Suggestion {
  title: string;
  body: string;
  /** Uncommitted files that the task started from: they are part of what is pushed. */
  carried: number;
}

/** Asks for title, description and kind; what is given already is not asked. Throws `Cancelled`. */
export async function askPullRequest(
  given: Partial<PullRequestText>,
  suggested: Suggestion,
): Promise<PullRequestText> {
  const title = given.title ?? (await askTitle(suggested));
  if (given.draft !== undefined) return { title, body: given.body ?? suggested.body, draft: given.draft };
  const body = given.body ?? suggested.body;
  const kind = await askKind(given.body === undefined);
  return kind === 'edit' ? { title, ...(await edited(body)) } : { title, body, draft: kind === 'draft' };
}

async function askTitle({ title: value, carried }: Suggestion): Promise<string> {
  const title = await vscode.window.showInputBox({
    title: vscode.l10n.t('Open Pull Request'),
    prompt:
      carried === 0
        ? vscode.l10n.t('Title of the pull request')
        : vscode.l10n.t(
            'Title of the pull request. Your uncommitted work that the task started from goes into it too ({0}).',
            fileCount(carried),
          ),
    value,
    ignoreFocusOut: true,
    validateInput: (text) =>
      text.trim() === '' ? vscode.l10n.t('A pull request needs a title.') : undefined,
  });
  if (title === undefined) throw new Cancelled();
  return title.trim();
}

type Kind = 'draft' | 'ready' | 'edit';

async function askKind(mayEdit: boolean): Promise<Kind> {
  const items: (vscode.QuickPickItem & { choice: Kind })[] = [
    { label: vscode.l10n.t('$(git-pull-request-draft) Open as draft'), choice: 'draft' },
    { label: vscode.l10n.t('$(git-pull-request) Open ready for review'), choice: 'ready' },
    { label: vscode.l10n.t('$(edit) Edit the description first'), choice: 'edit' },
  ];
  const picked = await vscode.window.showQuickPick(mayEdit ? items : items.slice(0, 2), {
    title: vscode.l10n.t('Open Pull Request'),
    placeHolder: vscode.l10n.t('The description is what the agent answered last'),
    ignoreFocusOut: true,
  });
  if (!picked) throw new Cancelled();
  return picked.choice;
}

/** The description in an untitled Markdown document, until the person says that it is done. */
async function edited(content: string): Promise<{ body: string; draft: boolean }> {
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content });
  await vscode.window.showTextDocument(document);
  const draft = vscode.l10n.t('Open as Draft');
  const ready = vscode.l10n.t('Open Ready for Review');
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t('Edit the description of the pull request, then open it.'),
    draft,
    ready,
  );
  if (answer === undefined) throw new Cancelled();
  return { body: document.getText(), draft: answer === draft };
}
