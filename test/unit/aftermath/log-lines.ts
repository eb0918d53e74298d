import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';

/** A real logger, and what it wrote. */
export function logLines(): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { logger: pino({}, stream), lines };
}
