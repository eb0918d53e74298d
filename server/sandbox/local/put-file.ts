import { randomBytes } from 'node:crypto';
import fs from 'node:fs';

/**
 * Puts a file in its place whole or not at all, over what is there. Also with two relays at it: each writes beside, by a name that
 * no other has.
 * @param write makes the file at the path that it is given
 * @param mode whatever the umask is; absent: as it was made
 */
export function putFile(path: string, write: (temporary: string) => void, mode?: number): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    write(temporary);
    if (mode !== undefined) fs.chmodSync(temporary, mode);
    fs.renameSync(temporary, path);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** The same for a text. */
export const putText = (path: string, text: string, mode?: number): void =>
  putFile(path, (temporary) => fs.writeFileSync(temporary, text), mode);
