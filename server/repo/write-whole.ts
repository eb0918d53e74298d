import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Writes a file that is there whole or not at all, also after a kill or a power failure. Git passes over names with a dot in front. */
export async function writeWhole(file: string, data: string | Uint8Array): Promise<void> {
  const temporary = path.join(path.dirname(file), `.new-${randomUUID()}`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(temporary, data, { flush: true });
  await rename(temporary, file);
}

/**
 * The file system for isomorphic-git. It writes an object in place and takes one that exists for written, so that whoever is killed
 * in between leaves half an object which no repetition ever mends.
 */
export const wholeFileSystem = { promises: { ...fs.promises, writeFile: writeWhole } };
