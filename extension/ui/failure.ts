import { CaptureError, type CaptureErrorCode } from '../../server/protocol/capture-git.ts';
import { RelayError } from '../../server/protocol/client.ts';
import type { ErrorCode, Failure } from '../../server/protocol/errors.ts';

/** An expected failure of the extension's own: what went wrong, and what the person can do about it. */
export class ExpectedError extends Error {
  override readonly name = 'ExpectedError';
  readonly code: ErrorCode;
  readonly nextAction: string;
  constructor(code: ErrorCode, message: string, nextAction: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.nextAction = nextAction;
  }
}

/** The person changed their mind; nothing to report. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

const CAPTURE_CODES: { [Code in CaptureErrorCode]: ErrorCode } = {
  'not-a-repository': 'source_unreadable',
  'bare-repository': 'source_unreadable',
  'no-commits': 'source_unreadable',
  'too-large': 'too_large',
  'unsupported-name': 'overlay_invalid',
  'git-failed': 'source_unreadable',
};

/** Any thrown thing as it is shown to the person. What was not expected keeps its details for the log. */
export function toFailure(error: unknown): Failure {
  if (error instanceof ExpectedError)
    return { code: error.code, message: error.message, nextAction: error.nextAction };
  if (error instanceof CaptureError) {
    return { code: CAPTURE_CODES[error.code], message: error.message, nextAction: error.nextAction };
  }
  if (error instanceof RelayError) {
    return {
      code: error.code === 'unreachable' ? 'not_ready' : error.code,
      message: error.message,
      ...(error.nextAction === undefined ? {} : { nextAction: error.nextAction }),
    };
  }
  return {
    code: 'internal',
    message: 'Something unexpected failed in the Handoff extension.',
    nextAction: 'Try again; the Handoff log has the details.',
  };
}

/** A failure as one sentence or two, for a notification. */
export function sentence({ message, nextAction }: Failure): string {
  return nextAction === undefined ? message : `${message} ${nextAction}`;
}
