import * as vscode from 'vscode';
import { Cancelled } from '../ui/failure.ts';

/** Those that the built-in GitHub extension asks for, so that its session is used where there is one. */
const SCOPES = ['repo', 'workflow', 'user:email', 'read:user'];

/**
 * The person's GitHub token, asked for only now that something is opened as them. It is given to its one use and not kept.
 * @throws {Cancelled} where they do not sign in
 */
export async function githubToken(): Promise<string> {
  const silent = await vscode.authentication.getSession('github', SCOPES, { silent: true });
  if (silent) return silent.accessToken;
  try {
    const detail = vscode.l10n.t('Handoff pushes the branch and opens the pull request as you.');
    const asked = await vscode.authentication.getSession('github', SCOPES, { createIfNone: { detail } });
    return asked.accessToken;
  } catch (cause) {
    throw new Cancelled('The person did not sign in to GitHub.', { cause });
  }
}
