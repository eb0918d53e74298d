import { type DestinationStream, type Logger, pino } from 'pino';

/** The relay's log: one JSON object a line, on standard error, where no answer of a command is. */
export function createLogger(level: string, destination: DestinationStream = pino.destination(2)): Logger {
  return pino({ level, base: { pid: process.pid }, serializers: { err: plainError } }, destination);
}

/**
 * What may be said of an error. Not its other properties: Postgres's driver hangs the whole client on its errors, password
 * included, and HTTP clients the request with its headers.
 */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const code: unknown = Reflect.get(error, 'code');
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: plainError(error.cause) }),
  };
}
