import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../errors.ts';

/** Bytes that one bundle may have. */
const MAX_BUNDLE = 1024 ** 3;

/** Keeps uploaded bundles as files named by their id; a half-received one never has a name that a task could use. */
export function createSourceUploads(sourcesDir: string) {
  return {
    async save(body: Readable): Promise<{ sourceId: string; bytes: number }> {
      await mkdir(sourcesDir, { recursive: true, mode: 0o700 });
      const sourceId = randomUUID();
      const partial = join(sourcesDir, `${sourceId}.partial`);
      let bytes = 0;
      const bounded = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          bytes += chunk.byteLength;
          done(bytes > MAX_BUNDLE ? tooLarge() : null, chunk);
        },
      });
      try {
        await pipeline(body, bounded, createWriteStream(partial, { mode: 0o600, flush: true }));
        if (!(await isBundle(partial))) throw notABundle();
        await rename(partial, join(sourcesDir, `${sourceId}.bundle`));
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
      return { sourceId, bytes };
    },
  };
}

/** The signatures of gitformat-bundle(5). */
async function isBundle(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
  return /^# v[23] git bundle\n/.test(buffer.toString('latin1', 0, bytesRead));
}

const tooLarge = (): AppError =>
  new AppError('payload_too_large', `A bundle may have ${MAX_BUNDLE} bytes at most.`, {
    nextAction: 'Push the commits first, and send the URL instead.',
  });

const notABundle = (): AppError =>
  new AppError('bad_request', 'The upload is not a git bundle.', {
    nextAction: 'Make it with git bundle create.',
  });
