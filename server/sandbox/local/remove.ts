import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Removes what a sandbox left, whatever it made: folders without permissions, names that are not text. The system's own
 * tools do it, for Node's cannot name such files. Idempotent; nothing may run in what is removed.
 */
export async function emptyTrash(trash: string): Promise<void> {
  if (!fs.existsSync(trash)) return;
  for (const name of fs.readdirSync(trash)) {
    // One that is being made at this moment is not rubbish.
    if (name.startsWith('new.') && Date.now() - fs.statSync(`${trash}/${name}`).mtimeMs < 60_000) continue;
    const path = `${trash}/${name}`;
    await run('/bin/chmod', ['-R', 'u+rwx', '--', path]).catch(() => {});
    await run('/bin/rm', ['-rf', '--', path]);
  }
}
