import { createWriteStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../errors.ts';

/**
 * Writes what is sent to a new file, whose bytes are on the disk when this resolves. A part of it may be there when it throws.
 * @throws {AppError} `payload_too_large`
 */
export async function receiveFile(
  body: Readable,
  file: string,
  { maxBytes, nextAction }: { maxBytes: number; nextAction: string },
): Promise<{ bytes: number }> {
  let bytes = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.byteLength;
      const isTooLarge = bytes > maxBytes;
      done(isTooLarge ? tooLarge(maxBytes, nextAction) : null, chunk);
    },
  });
  await pipeline(body, bounded, createWriteStream(file, { mode: 0o600, flush: true }));
  return { bytes };
}

const tooLarge = (maxBytes: number, nextAction: string): AppError =>
  new AppError('payload_too_large', `The upload has more than ${maxBytes} bytes.`, { nextAction });
