import type { ErrorCode, Failure } from './protocol/errors.ts';

/** An expected failure: what went wrong, and what the person can do about it. Match on `code`, never on `message`. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly nextAction: string | undefined;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; nextAction?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.nextAction = options.nextAction;
  }
}

/** Any thrown thing as a failure that may be shown: what was not expected keeps its details for the log. */
export function toFailure(error: unknown): Failure {
  if (error instanceof AppError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.nextAction === undefined ? {} : { nextAction: error.nextAction }),
    };
  }
  return {
    code: 'internal',
    message: 'Something unexpected failed in the relay.',
    nextAction: 'Try again; the relay log has the details.',
  };
}
