import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { VaultKey } from './vault-key.ts';

/**
 * A value at rest, AES-256-GCM: version (1 byte), id of the key (8), nonce (12), tag (16), ciphertext. `about` is who it belongs to;
 * a row that was put into another's place does not open.
 */
const VERSION = 1;
const ALGORITHM = 'aes-256-gcm';
export const KEY_ID = { at: 1, bytes: 8 };
const NONCE_AT = KEY_ID.at + KEY_ID.bytes;
const TAG_AT = NONCE_AT + 12;
const TEXT_AT = TAG_AT + 16;

export function seal({ bytes, id }: VaultKey, value: string, about: readonly string[]): Buffer {
  const nonce = randomBytes(TAG_AT - NONCE_AT);
  const cipher = createCipheriv(ALGORITHM, bytes, nonce).setAAD(Buffer.from(JSON.stringify(about)));
  const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), id, nonce, cipher.getAuthTag(), text]);
}

/** @throws {AppError} `conflict` where it was sealed under another key, or is not what was sealed */
export function unseal(key: VaultKey, sealed: Buffer, about: readonly string[]): string {
  if (!sealed.subarray(KEY_ID.at, NONCE_AT).equals(key.id)) throw otherKey(key);
  try {
    const decipher = createDecipheriv(ALGORITHM, key.bytes, sealed.subarray(NONCE_AT, TAG_AT))
      .setAAD(Buffer.from(JSON.stringify(about)))
      .setAuthTag(sealed.subarray(TAG_AT, TEXT_AT));
    return Buffer.concat([decipher.update(sealed.subarray(TEXT_AT)), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new AppError('conflict', 'A secret in the relay’s database is damaged, or was changed there.', {
      cause,
      nextAction: 'Add the secret again.',
    });
  }
}

export function otherKey({ file }: VaultKey): AppError {
  return new AppError('conflict', 'The secrets in the relay’s database were sealed under another key.', {
    nextAction: `Relays that share a database share the key: copy HANDOFF_DATA’s secrets-key of the first one to ${file}. Where it is lost, remove the secrets and add them again.`,
  });
}
