import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { plain } from './result-text.ts';

/**
 * What kept a server from doing what it was asked. Its message may be as long as a server's words, and say what a request carried where
 * a server repeats that: `complaintOf` is shown of it.
 */
export class ServerFailure extends Error {
  override readonly name = 'ServerFailure';
  /**
   * `refused`: it took the request, and answered that it will not do it. `forgotten`: it does not know the session any more, and did
   * nothing. `broken`: whether it did what it was asked, nobody knows.
   */
  readonly kind: 'refused' | 'forgotten' | 'broken';
  constructor(kind: ServerFailure['kind'], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/**
 * A failure of the protocol in our words: what a library says of one may repeat what the server answered, and so what it was sent.
 * @param ending how the way to the server came to its end, where that is known
 */
export function failureOf(error: unknown, waitedMs: number, ending: string | undefined): ServerFailure {
  if (error instanceof ServerFailure) return error;
  if (ending !== undefined) return new ServerFailure('broken', ending, error);
  if (error instanceof ProtocolError)
    return new ServerFailure('refused', `answered with an error: ${plain(error.message)}`, error);
  if (error instanceof UnauthorizedError) return new ServerFailure('refused', CREDENTIALS, error);
  if (error instanceof SdkHttpError) return ofStatus(error);
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return new ServerFailure('broken', `did not answer within ${Math.round(waitedMs / 1000)} s`, error);
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed)
    return new ServerFailure('broken', 'ended the connection', error);
  if (error instanceof SdkError && error.code !== SdkErrorCode.EraNegotiationFailed)
    return new ServerFailure('broken', `does not speak the protocol (${error.code})`, error);
  return new ServerFailure('broken', 'cannot be reached', error);
}

const CREDENTIALS = 'refused the credentials; the relay’s owner sets them in HANDOFF_MCP';

function ofStatus(error: SdkHttpError): ServerFailure {
  const { status } = error;
  if (status === 401 || status === 403) return new ServerFailure('refused', CREDENTIALS, error);
  if (status === 404) return new ServerFailure('forgotten', 'answered with status 404', error);
  if (status >= 300 && status < 400)
    return new ServerFailure('refused', 'redirects to another address, which is not followed', error);
  return new ServerFailure(status < 500 ? 'refused' : 'broken', `answered with status ${status}`, error);
}
