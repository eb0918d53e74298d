import { APICallError } from 'ai';
import { AppError } from '../errors.ts';
import { NoAnswer, Stalled } from '../models/mend-response.ts';
import type { Usage } from '../protocol/agent-events.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** A failed model call, and whether it is worth trying again. */
export interface ModelFailure {
  error: AppError;
  retryable: boolean;
  /** What the provider asked for, in milliseconds. */
  retryAfterMs?: number;
  /** Whether others' calls of the same model would fail, too. */
  isOutage: boolean;
  /** Whether it is about the length of what was sent. `perhaps`: refused with the status that has every reason, and none was given. */
  tooLong: 'certainly' | 'perhaps' | 'no';
}

/** What is wrong with the provider, and not with what was asked. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set(['model_unavailable', 'model_cut_off', 'model_unauthorized']);

/** Statuses that pass by themselves: timeouts, conflicts, too early, rate limits, and the provider's own troubles. */
const PASSING = new Set([408, 409, 425, 429]);

const DETAIL_LENGTH = 500;

/** Words that providers have for a status, where one fails in the middle of its answer. What is not here passes by itself. */
const STATUS_OF: Record<string, number> = {
  invalid_api_key: 401,
  authentication_error: 401,
  permission_error: 403,
  insufficient_quota: 429,
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  invalid_request_error: 400,
  context_length_exceeded: 400,
};

/** What a provider says went wrong in the middle of its answer, for which its status has told of a success. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault';
  readonly status: number | undefined;
  readonly code: unknown;
  /** @param code a status, or a word of the provider's */
  constructor(message: string, code: unknown) {
    super(message);
    this.code = code;
    const number = typeof code === 'string' ? (STATUS_OF[code] ?? Number(code)) : code;
    this.status = typeof number === 'number' && number >= 400 && number < 600 ? number : undefined;
  }
}

/** A call came to nothing, and used something all the same: that is paid for. */
export class PaidFailure extends AppError {
  readonly usage: Usage;
  constructor({ code, message, nextAction, cause }: AppError, usage: Usage) {
    super(code, message, { cause, ...(nextAction === undefined ? {} : { nextAction }) });
    this.usage = usage;
  }
}

/** What a failed call used, as far as that is known. */
export const usedBy = (thrown: unknown): Usage | undefined =>
  thrown instanceof PaidFailure && Object.keys(thrown.usage).length > 0 ? thrown.usage : undefined;

/** Sorts what a provider or the network did into what to do about it. Never repeats a credential: only status and body are used. */
export function classify(thrown: unknown): ModelFailure {
  const failure = sort(thrown);
  const { code } = failure.error;
  return { ...failure, isOutage: OUTAGES.has(code), tooLong: tooLongBy(code, thrown) };
}

type Sorted = Omit<ModelFailure, 'isOutage' | 'tooLong'>;

function tooLongBy(code: ErrorCode, thrown: unknown): ModelFailure['tooLong'] {
  if (code === 'context_too_long') return 'certainly';
  const status = APICallError.isInstance(thrown)
    ? thrown.statusCode
    : thrown instanceof ProviderFault && thrown.status;
  return status === 400 ? 'perhaps' : 'no';
}

function sort(thrown: unknown): Sorted {
  if (thrown instanceof AppError) return { error: thrown, retryable: thrown.code === 'model_cut_off' };
  if (thrown instanceof ProviderFault) {
    if (TOO_LONG.has(thrown.code)) return { error: tooLong(thrown), retryable: false };
    return byStatus(thrown.status ?? 500, thrown.message.slice(0, DETAIL_LENGTH), thrown);
  }
  if (hasCause(thrown, Stalled)) return { error: silent(thrown), retryable: true };
  if (hasCause(thrown, NoAnswer)) return { error: noAnswer(thrown), retryable: true };
  if (!APICallError.isInstance(thrown)) return { error: brokenOff(thrown), retryable: true };
  if (thrown.statusCode === undefined) return { error: unreachable(thrown), retryable: true };
  // A success that turned out to be none: the connection broke, or what came could not be read.
  if (thrown.statusCode < 400) return { error: brokenOff(thrown), retryable: true };
  if (isTooLong(thrown)) return { error: tooLong(thrown), retryable: false };
  const failure = byStatus(thrown.statusCode, detailOf(thrown.responseBody), thrown);
  const retryAfterMs = failure.retryable ? retryAfter(thrown.responseHeaders) : undefined;
  return { ...failure, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** Words that providers have for a request that is longer than their model takes. */
const TOO_LONG: ReadonlySet<unknown> = new Set([
  'context_length_exceeded',
  'exceed_context_size_error',
  'request_too_large',
  'string_above_max_length',
]);

function isTooLong({ statusCode, responseBody }: APICallError): boolean {
  if (statusCode === 413) return true;
  const error = field(parsedBody(responseBody), 'error');
  return TOO_LONG.has(field(error, 'code')) || TOO_LONG.has(field(error, 'type'));
}

const tooLong = (cause: unknown): AppError =>
  new AppError('context_too_long', 'The conversation is longer than the model takes.', {
    cause,
    nextAction: 'Choose a model with a larger window, or start a task of its own for what is left.',
  });

function byStatus(statusCode: number, detail: string, cause: unknown): Sorted {
  const said = `The model endpoint answered ${statusCode}${detail ? `: ${detail}` : '.'}`;
  const failure = (code: ErrorCode, retryable: boolean, nextAction: string): Sorted => ({
    error: new AppError(code, said, { cause, nextAction }),
    retryable,
  });
  if (statusCode === 401 || statusCode === 403) {
    return failure(
      'model_unauthorized',
      false,
      'Check the key that is configured for the model (HANDOFF_MODEL_API_KEY, or in HANDOFF_MODELS), then send a message to go on.',
    );
  }
  if (PASSING.has(statusCode) || statusCode >= 500) {
    return failure('model_unavailable', true, 'Wait a little, then send a message to go on.');
  }
  return failure(
    'model_rejected',
    false,
    'Check the model’s name and its endpoint in the settings, then send a message to go on.',
  );
}

/** Errors of `fetch` come wrapped, in as many layers as there are between. */
function hasCause(thrown: unknown, kind: typeof Stalled | typeof NoAnswer): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause)
    if (error instanceof kind) return true;
  return false;
}

/** The answer did not come to its end, or made no sense. */
export const brokenOff = (cause?: unknown): AppError =>
  new AppError('model_cut_off', 'The model’s answer broke off before its end.', {
    cause,
    nextAction: 'Send a message to go on.',
  });

/** The provider's own filter, or the model itself, did not let it be said. Another model may. */
export const refused = (): AppError =>
  new AppError('model_refused', 'The model’s provider held its answer back (content filter).', {
    nextAction: 'Say it in another way, or choose another model, then send a message to go on.',
  });

const silent = (cause: unknown): AppError =>
  new AppError('model_unavailable', 'The model endpoint fell silent in the middle of a call.', {
    cause,
    nextAction: 'Wait a little, then send a message to go on.',
  });

const noAnswer = (cause: unknown): AppError =>
  new AppError('model_unavailable', 'The model endpoint answered with a web page instead of an answer.', {
    cause,
    nextAction:
      'Check the endpoint’s address: it should end in the version, such as /v1. Then send a message to go on.',
  });

const unreachable = (cause: unknown): AppError =>
  new AppError('model_unavailable', 'The model endpoint did not answer.', {
    cause,
    nextAction: 'Check the endpoint’s address in the settings and the network, then send a message to go on.',
  });

/** The provider's own words where it speaks JSON; nothing of an HTML page. */
function detailOf(body: string | undefined): string {
  const parsed = parsedBody(body);
  const error = field(parsed, 'error') ?? parsed;
  const message = typeof error === 'string' ? error : field(error, 'message');
  return typeof message === 'string' ? message.slice(0, DETAIL_LENGTH) : '';
}

function parsedBody(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    return undefined;
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
