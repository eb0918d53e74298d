import { AppError } from '../errors.ts';

/** The person's token while a publication runs: in memory only, never in the journal, gone with the process. */
export interface TokenVault {
  put(publishId: string, token: string): void;
  drop(publishId: string): void;
  /** Throws `token_required` where the relay was restarted since. */
  get(publishId: string): string;
}

export function createTokenVault(): TokenVault {
  const tokens = new Map<string, string>();
  return {
    put: (publishId, token) => void tokens.set(publishId, token),
    drop: (publishId) => void tokens.delete(publishId),
    get(publishId) {
      const token = tokens.get(publishId);
      if (token) return token;
      throw new AppError('token_required', 'The relay was restarted, and it keeps no token.', {
        nextAction: 'Open the pull request again: what was pushed is found and gone on with.',
      });
    },
  };
}
