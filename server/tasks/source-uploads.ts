import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '../errors.ts';
import { receiveFile } from '../transfer/receive-file.ts';

/** Bytes that one bundle may have. */
const MAX_BUNDLE = 1024 ** 3;

/** Keeps uploaded bundles as files named by their id; a half-received one never has a name that a task could use. */
export function createSourceUploads(sourcesDir: string) {
  return {
    async save(body: Readable): Promise<{ sourceId: string; bytes: number }> {
      const sourceId = randomUUID();
      const partial = join(sourcesDir, `${sourceId}.partial`);
      try {
        const { bytes } = await receiveFile(body, partial, {
          maxBytes: MAX_BUNDLE,
          nextAction: 'Push the commits first, and send the URL instead.',
        });
        if (!(await isBundle(partial))) throw notABundle();
        await rename(partial, join(sourcesDir, `${sourceId}.bundle`));
        return { sourceId, bytes };
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
  };
}

/** The signatures of gitformat-bundle(5). */
async function isBundle(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
  return /^# v[23] git bundle\n/.test(buffer.toString('latin1', 0, bytesRead));
}

const notABundle = (): AppError =>
  new AppError('bad_request', 'The upload is not a git bundle.', {
    nextAction: 'Make it with git bundle create.',
  });
