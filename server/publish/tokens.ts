import { AppError } from '../errors.ts';

/**
 * The person's token while a publication runs: in memory only, never in the journal, gone with the process. Or one that they left for it,
 * which outlives the process.
 */
export interface TokenVault {
  put(publishId: string, token: string): void;
  drop(publishId: string): void;
  /** Throws `token_required` where the relay was restarted since, or the one that was left has expired or was taken back. */
  get(publishId: string): Promise<string>;
}

/** @param leftFor the token that a person left for a publication, if they did */
export function createTokenVault(leftFor: (publishId: string) => Promise<string | undefined>): TokenVault {
  const tokens = new Map<string, string>();
  return {
    put: (publishId, token) => void tokens.set(publishId, token),
    drop: (publishId) => void tokens.delete(publishId),
    async get(publishId) {
      const token = tokens.get(publishId) ?? (await leftFor(publishId));
      if (token) return token;
      throw new AppError('token_required', 'There is no token for this any more.', {
        nextAction: 'Sign in and open the pull request yourself: what was pushed is found and gone on with.',
      });
    },
  };
}
