import { AppError } from '../errors.ts';

/** What a token may consist of: anything else in a header could be a second header, and fails with a message that quotes it. */
export function assertToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw tokenRejected();
}

export function tokenRejected(cause?: unknown): AppError {
  return new AppError('token_rejected', 'GitHub does not accept the token.', {
    ...(cause === undefined ? {} : { cause }),
    nextAction: 'Sign in to GitHub again in VS Code, then try again.',
  });
}
