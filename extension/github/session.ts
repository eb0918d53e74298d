import * as vscode from 'vscode';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { providerOf } from './ways-on.ts';

export interface SignIn {
  /** Of the repository: which GitHub it is at. */
  remote: string | undefined;
  scopes: readonly string[];
  /** `again`: the token of the session is no longer good. `other`: the person wants another account. */
  how?: 'again' | 'other';
}

/** Those that the built-in Git extensions ask for, so that their session is used where the person allowed it before. */
const BUILT_IN = ['repo', 'workflow', 'user:email', 'read:user'];

/**
 * The person's token as it is now, without asking; nothing where they are not signed in, or have not allowed it yet. Tokens are given to
 * their one use and not kept, so that a switch of account counts at once.
 */
export async function tokenNow({ remote, scopes }: SignIn): Promise<string | undefined> {
  const provider = providerHere(remote);
  if (provider === undefined) return undefined;
  for (const wanted of [scopes, BUILT_IN]) {
    const session = await vscode.authentication.getSession(provider, wanted, { silent: true }).then(
      (found) => found,
      () => undefined,
    );
    if (session) return session.accessToken;
  }
  return undefined;
}

/**
 * The person's token, asked for where need be.
 * @throws {Cancelled} where they do not sign in
 * @throws {ExpectedError} `remote_not_github` where no token is for that remote
 */
export async function githubToken({ remote, scopes, how }: SignIn): Promise<string> {
  const provider = providerHere(remote);
  if (provider === undefined) throw notGitHub();
  const silent = how === undefined ? await tokenNow({ remote, scopes }) : undefined;
  if (silent !== undefined) return silent;
  const detail = vscode.l10n.t('Handoff pushes the branch and opens the pull request as you.');
  const options: Record<NonNullable<typeof how>, vscode.AuthenticationGetSessionOptions> = {
    again: { forceNewSession: { detail } },
    other: { clearSessionPreference: true, createIfNone: { detail } },
  };
  try {
    const session = await vscode.authentication.getSession(
      provider,
      scopes,
      how === undefined ? { createIfNone: { detail } } : options[how],
    );
    if (session) return session.accessToken;
  } catch (cause) {
    throw new Cancelled('The person did not sign in to GitHub.', { cause });
  }
  throw new Cancelled('The person did not sign in to GitHub.');
}

function providerHere(remote: string | undefined) {
  return providerOf(remote, vscode.workspace.getConfiguration('github-enterprise').get<string>('uri') ?? '');
}

const notGitHub = (): ExpectedError =>
  new ExpectedError(
    'remote_not_github',
    vscode.l10n.t('The repository is not at a GitHub that this editor signs in to.'),
    vscode.l10n.t('Where it is your GitHub Enterprise, set github-enterprise.uri; then try again.'),
  );
