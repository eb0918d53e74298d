import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '../errors.ts';

/**
 * Writes what is sent to a new file, whose bytes are on the disk when this resolves. A part of it may be there when it throws.
 * Where it cannot be written, the rest is read all the same: who is cut off while sending does not hear why.
 * @throws {AppError} `payload_too_large`
 */
export async function receiveFile(
  body: Readable,
  file: string,
  { maxBytes, nextAction }: { maxBytes: number; nextAction: string },
): Promise<{ bytes: number }> {
  let bytes = 0;
  let handle: FileHandle | undefined;
  let failure: unknown;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes, nextAction);
      if (failure !== undefined) continue;
      try {
        handle ??= await create(file);
        await handle.appendFile(chunk);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    handle ??= await create(file);
    await handle.sync();
  } finally {
    await handle?.close();
  }
  return { bytes };
}

async function create(file: string): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  return open(file, 'w', 0o600);
}

const tooLarge = (maxBytes: number, nextAction: string): AppError =>
  new AppError('payload_too_large', `The upload has more than ${maxBytes} bytes.`, { nextAction });
