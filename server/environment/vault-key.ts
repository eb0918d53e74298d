import { createHash, randomBytes } from 'node:crypto';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';

/** The file of the data folder that has the key. Relays that share a database share its content, or cannot open each other's secrets. */
export const KEY_FILE = 'secrets-key';

const KEY_BYTES = 32;

/** A key, and what tells it from others without telling it. */
export interface VaultKey {
  bytes: Buffer;
  /** 8 bytes. */
  id: Buffer;
  /** Where it is kept, for what has to be said to the owner. */
  file: string;
}

/**
 * Reads the key, made once, which only the relay's own user may read.
 * @throws {AppError} `conflict` where the file is no key, or others may read it
 */
export async function loadVaultKey(dataDir: string): Promise<VaultKey> {
  const file = join(dataDir, KEY_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (text === undefined) {
    await makeKey(file);
    return loadVaultKey(dataDir);
  }
  if (process.platform !== 'win32' && ((await stat(file)).mode & 0o077) !== 0) {
    throw new AppError(
      'conflict',
      `Others than the relay’s user may read ${file}, which opens all secrets.`,
      {
        nextAction: `Run chmod 600 ${file}, and think about whether somebody did.`,
      },
    );
  }
  const bytes = Buffer.from(text.trim(), 'base64url');
  if (bytes.length !== KEY_BYTES) {
    throw new AppError('conflict', `${file} is no key.`, {
      nextAction: 'Put the file back from a copy; without one remove it, and add the secrets again.',
    });
  }
  const id = createHash('sha256').update('handoff vault key id\0').update(bytes).digest().subarray(0, 8);
  return { bytes, id, file };
}

/** Of several that start at once, one decides. */
async function makeKey(file: string): Promise<void> {
  const own = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(own, `${randomBytes(KEY_BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  await link(own, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(own);
}
