import { Octokit } from '@octokit/core';
import { AppError } from '../errors.ts';
import { assertToken, tokenRejected } from './token.ts';

export interface Api {
  /** Of the REST API, such as `https://api.github.com`. The token is sent to this origin only. */
  apiUrl: string;
  token: string;
  signal?: AbortSignal;
}

/** One request takes no longer, in milliseconds. */
const REQUEST_LIMIT_MS = 30_000;

/** A client as the person. Its log is silent: what matters is in the errors. */
export function connect({ apiUrl, token, signal }: Api): Octokit {
  const silent = () => {};
  const limited: typeof fetch = (input, init) => {
    const limit = AbortSignal.timeout(REQUEST_LIMIT_MS);
    return fetch(input, { ...init, signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) });
  };
  return new Octokit({
    auth: assertToken(token),
    baseUrl: apiUrl.replace(/\/+$/, ''),
    userAgent: 'handoff',
    request: { fetch: limited },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

/** A refusal of GitHub; `status` 0 where no answer came. */
export interface HttpError extends Error {
  status: number;
  response?: { headers: Record<string, string | undefined>; data: unknown };
}

export function isHttpError(error: unknown): error is HttpError {
  return error instanceof Error && error.name === 'HttpError' && 'status' in error;
}

/** The fields that a 422 names as invalid. */
export function invalidFields(error: HttpError): string[] {
  const data = error.response?.data;
  if (typeof data !== 'object' || data === null || !('errors' in data) || !Array.isArray(data.errors))
    return [];
  return data.errors.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'field' in entry && typeof entry.field === 'string'
      ? [entry.field]
      : [],
  );
}

/**
 * What a failed request means to the person, who may have published or only looked. Anything but a refusal of GitHub is passed through, a
 * cancellation too.
 */
export function failureOf(error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (!isHttpError(error)) return error;
  const { status, response } = error;
  const headers = response?.headers ?? {};
  if (status === 401) return tokenRejected(error);
  if (status === 429 || (status === 403 && isRateLimit(headers))) {
    return new AppError('github_unavailable', 'GitHub asks to slow down.', {
      cause: error,
      nextAction: `Try again in ${secondsToWait(headers)} seconds.`,
    });
  }
  if (status === 403 || status === 404) {
    const address = /url=(https:\S+)/.exec(headers['x-github-sso'] ?? '')?.[1];
    if (address !== undefined) {
      return new AppError('sso_required', 'The organisation wants this sign-in to be authorised first.', {
        cause: error,
        nextAction: `Authorise it at ${address}, then try again.`,
      });
    }
    return new AppError('pull_request_forbidden', `GitHub does not let this account do that (${status}).`, {
      cause: error,
      nextAction:
        'Ask for access to the repository, or use an account that has it. A pull request can be opened from the prefilled page, too.',
    });
  }
  if (response === undefined || status >= 500) {
    return new AppError('github_unavailable', 'GitHub cannot be reached, or has a failure of its own.', {
      cause: error,
      nextAction: 'Try again in a minute: it goes on from where it came to.',
    });
  }
  return new AppError('pull_request_rejected', `GitHub refused that: ${error.message.slice(0, 500)}`, {
    cause: error,
    nextAction: 'Change what GitHub names. A pull request can be opened from the prefilled page, too.',
  });
}

function isRateLimit(headers: Record<string, string | undefined>): boolean {
  return headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0';
}

/** Until GitHub answers again, as it says by one header or the other. */
function secondsToWait(headers: Record<string, string | undefined>): number {
  const after = Number(headers['retry-after']);
  if (after > 0) return after;
  const reset = Number(headers['x-ratelimit-reset']);
  return reset > 0 ? Math.max(1, Math.ceil(reset - Date.now() / 1000)) : 60;
}
