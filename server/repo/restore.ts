import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { assertOid } from './repository.ts';
import { SCRIPT_ENV } from './sandbox-scripts.ts';

const RESTORE_LIMIT_MS = 60_000;

/**
 * `$1` is the workspace, `$2` the scratch folder, `$3` a tree that was captured, `$4` the file that ends it, or nothing. The capture repository's index is what the last
 * capture found in the workspace, so that Git knows of every file that has to go.
 */
const RESTORE_SCRIPT = `
set -eu
umask 022
[ -z "$4" ] || [ ! -e "$2/$4" ] || exit 0
export GIT_DIR="$2/capture.git" GIT_WORK_TREE="$1"
cd "$1"
git read-tree --reset -u "$3"
`;

/**
 * Puts the workspace back to a tree that was captured before. To be called right behind a capture, with nothing that writes in
 * between. Ignored files, and what no capture sees, stay as they are. Whoever captures may end it, by the prefix of its id.
 * @param unless does nothing where the scratch folder has a file of that name
 */
export async function restoreWorkspace(sandbox: Sandbox, tree: string, unless = ''): Promise<void> {
  const result = await sandbox.exec({
    execId: `capture:restore:${randomUUID()}`,
    argv: [
      'sh',
      '-c',
      RESTORE_SCRIPT,
      'handoff',
      sandbox.workdir,
      sandbox.scratchdir,
      assertOid(tree),
      unless,
    ],
    cwd: '/',
    env: SCRIPT_ENV,
    timeoutMs: RESTORE_LIMIT_MS,
    maxOutputBytes: 16 * 1024,
  });
  if (result.exitCode === 0) return;
  const said = Buffer.concat([result.stderr.head, result.stderr.tail]).toString().trim().slice(-1000);
  throw new AppError('sandbox_unavailable', `The workspace could not be put back. ${said || result.reason}`, {
    nextAction: 'Look at the changes: what the checks wrote may be among them.',
  });
}
