import * as vscode from 'vscode';
import { RelayError } from '../../server/protocol/client.ts';
import type { ErrorCode } from '../../server/protocol/errors.ts';
import { Cancelled, sentence, toFailure } from '../ui/failure.ts';
import { openExternal } from '../ui/open-external.ts';
import { githubToken } from './session.ts';
import { linkIn } from './ways-on.ts';

const ABOUT_SIGN_IN: ReadonlySet<ErrorCode | 'unreachable'> = new Set([
  'token_required',
  'token_rejected',
  'sso_required',
  'workflow_scope_missing',
]);

/** Does something as the person; where their sign-in is what stands in the way, they are asked to mend that, and it is done again. */
export async function withToken<Result>(
  remote: string | undefined,
  work: (token: string) => Promise<Result>,
): Promise<Result> {
  const scopes = ['repo'];
  for (let how: 'again' | 'other' | undefined; ; ) {
    try {
      return await work(await githubToken({ remote, scopes, ...(how ? { how } : {}) }));
    } catch (error) {
      if (!(error instanceof RelayError) || !ABOUT_SIGN_IN.has(error.code)) throw error;
      how = await askHow(error);
      if (error.code === 'workflow_scope_missing') scopes.push('workflow');
    }
  }
}

/** How to sign in for the next try; the same way, once a page that was named has been opened. */
async function askHow(error: RelayError): Promise<'again' | 'other' | undefined> {
  const link = linkIn(error.nextAction);
  const again = vscode.l10n.t('Sign In Again');
  const other = vscode.l10n.t('Use Another Account');
  const page = vscode.l10n.t('Open Page');
  const buttons = link === undefined ? [again, other] : [page, again, other];
  const answer = await vscode.window.showWarningMessage(sentence(toFailure(error)), ...buttons);
  if (answer === undefined) throw new Cancelled();
  if (answer !== page || link === undefined) return answer === again ? 'again' : 'other';
  await openExternal(link);
  const retry = vscode.l10n.t('Try Again');
  const done = await vscode.window.showInformationMessage(
    vscode.l10n.t('Try again once it is authorised.'),
    retry,
  );
  if (done !== retry) throw new Cancelled();
  return undefined;
}
