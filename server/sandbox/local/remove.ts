import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How old, in milliseconds, something must be to be what a dead relay left half made: copying a big sandbox takes minutes. */
export const ABANDONED = 60 * 60_000;

/**
 * Removes what a sandbox left, whatever it made: folders without permissions, names that are not text. The system's own
 * tools do it, for Node's cannot name such files. Idempotent; nothing may run in what is removed.
 */
export async function emptyTrash(trash: string): Promise<void> {
  if (!fs.existsSync(trash)) return;
  for (const name of fs.readdirSync(trash)) {
    if (name.startsWith('new.') && isRecent(`${trash}/${name}`)) continue;
    const path = `${trash}/${name}`;
    await run('/bin/chmod', ['-R', 'u+rwx', '--', path]).catch(() => {});
    await run('/bin/rm', ['-rf', '--', path]);
  }
}

function isRecent(path: string): boolean {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  return stat === undefined || Date.now() - stat.mtimeMs < ABANDONED;
}
