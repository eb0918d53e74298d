import { createHash } from 'node:crypto';

/** The name that Git gives to a file's content. */
export const blobOf = (data: Uint8Array): string =>
  createHash('sha1').update(`blob ${data.byteLength}\0`).update(data).digest('hex');
