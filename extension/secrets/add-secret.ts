import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { REPOSITORY_CONFIG, readRepositoryConfig } from '../../server/protocol/repository-config.ts';
import { repositoryUrl } from '../../server/protocol/repository-url.ts';
import { SecretName, type SecretStored, type SecretSummary } from '../../server/protocol/secrets.ts';
import type { App } from '../app.ts';
import { gitAt } from '../git/run-git.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';

/** What is given is not asked. */
export interface AddSecretArguments {
  name?: string;
  value?: string;
  /** Whether it may take the place of a secret of that name. */
  replace?: boolean;
}

/**
 * `handoff.addSecret`: gives the relay a secret, which it places into sandboxes of this repository if the repository's configuration
 * names it. The value goes from the input box to the relay, and nowhere else.
 */
export function addSecret(app: App) {
  return async (given: AddSecretArguments = {}): Promise<SecretStored> => {
    const repository = await app.repositories.pick();
    const url = await repositoryUrl(gitAt(repository.gitPath), repository.root);
    if (url === undefined) {
      throw new ExpectedError(
        'source_unreadable',
        vscode.l10n.t('{0} is no Git repository any more.', repository.root),
        vscode.l10n.t('Open it again, then try again.'),
      );
    }
    const client = (await app.connection.client()).secrets;
    const name = given.name ?? (await askName(repository.root));
    const { secrets } = await client.list();
    const known = secrets.find((secret) => secret.name === name);
    if (known && given.replace !== true) await confirm(known);
    const value = given.value ?? (await askValue(name));
    // It goes on being allowed where it was.
    const stored = await client.put(name, { value, repositories: [url, ...(known?.repositories ?? [])] });
    void vscode.window.showInformationMessage(
      stored.masked
        ? vscode.l10n.t('{0} is kept by the relay for {1}.', name, repository.name)
        : vscode.l10n.t(
            '{0} is kept by the relay for {1}. It is too short to be hidden in what commands print.',
            name,
            repository.name,
          ),
    );
    return stored;
  };
}

/** One of those that the repository asks for, or another. */
async function askName(root: string): Promise<string> {
  const text = await readFile(path.join(root, REPOSITORY_CONFIG), 'utf8').catch(() => '{}');
  const title = vscode.l10n.t('Add Secret for This Repository');
  const wanted = readRepositoryConfig(text).config.secrets;
  if (wanted.length > 0) {
    const other = vscode.l10n.t('Another name …');
    const picked = await vscode.window.showQuickPick([...wanted, other], {
      title,
      placeHolder: vscode.l10n.t('Secrets that {0} asks for', REPOSITORY_CONFIG),
    });
    if (picked === undefined) throw new Cancelled();
    if (picked !== other) return picked;
  }
  const name = await vscode.window.showInputBox({
    title,
    prompt: vscode.l10n.t('Name of the environment variable that it becomes'),
    ignoreFocusOut: true,
    validateInput: (text) => SecretName.safeParse(text.trim()).error?.issues[0]?.message,
  });
  if (name === undefined) throw new Cancelled();
  return name.trim();
}

async function askValue(name: string): Promise<string> {
  const value = await vscode.window.showInputBox({
    title: vscode.l10n.t('Add Secret for This Repository'),
    prompt: vscode.l10n.t('Value of {0}; it is kept by the relay, and never shown again', name),
    password: true,
    ignoreFocusOut: true,
  });
  if (!value) throw new Cancelled();
  return value;
}

async function confirm({ name, repositories }: SecretSummary): Promise<void> {
  const yes = vscode.l10n.t('Replace');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t(
      'You have a secret {0} for {1}. Replace its value there, too?',
      name,
      repositories.join(', '),
    ),
    yes,
  );
  if (answer !== yes) throw new Cancelled();
}
