import { APICallError } from 'ai';
import { AppError } from '../errors.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** A failed model call, and whether it is worth trying again. */
export interface ModelFailure {
  error: AppError;
  retryable: boolean;
  /** What the provider asked for, in milliseconds. */
  retryAfterMs?: number;
}

/** Statuses that pass by themselves: timeouts, conflicts, too early, rate limits, and the provider's own troubles. */
const PASSING = new Set([408, 409, 425, 429]);

const DETAIL_LENGTH = 500;

/** Sorts what a provider or the network did into what to do about it. Never repeats a credential: only status and body are used. */
export function classify(thrown: unknown): ModelFailure {
  if (thrown instanceof AppError) return { error: thrown, retryable: thrown.code === 'model_cut_off' };
  if (!APICallError.isInstance(thrown)) return { error: brokenOff(thrown), retryable: true };
  if (thrown.statusCode === undefined) return { error: unreachable(thrown), retryable: true };
  // A success that turned out to be none: the connection broke, or what came could not be read.
  if (thrown.statusCode < 400) return { error: brokenOff(thrown), retryable: true };
  const { statusCode } = thrown;
  const detail = detailOf(thrown.responseBody);
  const said = `The model endpoint answered ${statusCode}${detail ? `: ${detail}` : '.'}`;
  const failure = (code: ErrorCode, retryable: boolean, nextAction: string): ModelFailure => ({
    error: new AppError(code, said, { cause: thrown, nextAction }),
    retryable,
  });
  if (statusCode === 401 || statusCode === 403) {
    return failure('model_unauthorized', false, 'Check HANDOFF_MODEL_API_KEY, then send a message to go on.');
  }
  if (PASSING.has(statusCode) || statusCode >= 500) {
    const retryAfterMs = retryAfter(thrown.responseHeaders);
    return {
      ...failure('model_unavailable', true, 'Wait a little, then send a message to go on.'),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  return failure(
    'model_rejected',
    false,
    'Check HANDOFF_MODEL and the endpoint, then send a message to go on.',
  );
}

/** The answer did not come to its end, or made no sense. */
export const brokenOff = (cause?: unknown): AppError =>
  new AppError('model_cut_off', 'The model’s answer broke off before its end.', {
    cause,
    nextAction: 'Send a message to go on.',
  });

const unreachable = (cause: unknown): AppError =>
  new AppError('model_unavailable', 'The model endpoint did not answer.', {
    cause,
    nextAction: 'Check HANDOFF_MODEL_BASE_URL and the network, then send a message to go on.',
  });

/** The provider's own words where it speaks JSON; nothing of an HTML page. */
function detailOf(body: string | undefined): string {
  if (!body) return '';
  try {
    const parsed: unknown = JSON.parse(body);
    const error = field(parsed, 'error') ?? parsed;
    const message = typeof error === 'string' ? error : field(error, 'message');
    return typeof message === 'string' ? message.slice(0, DETAIL_LENGTH) : '';
  } catch {
    return '';
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Seconds or an HTTP date, as RFC 9110 section 10.2.3 has it. */
function retryAfter(headers: Record<string, string> | undefined): number | undefined {
  const value = headers?.['retry-after'];
  if (!value) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
