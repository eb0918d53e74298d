import fs from 'node:fs';
import { posix } from 'node:path';

/** Where programs of the system are looked for: fixed, so that nothing in a PATH decides what isolates. */
const PLACES = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The absolute path of a program of the system. */
export function findTool(name: string): string | undefined {
  return PLACES.map((place) => `${place}/${name}`).find((path) => {
    try {
      fs.accessSync(path, fs.constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether a user who owns nothing on the way can get to a path: every folder passable, and `bits` (r 4, x 1) at the end. */
export function isOpenToAll(path: string, bits: number): boolean {
  const real = fs.realpathSync(path);
  if ((fs.statSync(real).mode & bits) !== bits) return false;
  for (let at = real; at !== '/'; ) {
    at = posix.dirname(at);
    if ((fs.statSync(at).mode & 0o001) === 0) return false;
  }
  return true;
}
