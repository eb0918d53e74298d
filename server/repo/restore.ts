import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { assertOid } from './repository.ts';
import { ONE_AT_A_TIME, SCRIPT_ENV } from './sandbox-scripts.ts';
import { NOTE } from './set-workspace.ts';

const RESTORE_LIMIT_MS = 60_000;

/**
 * `$1` is the workspace, `$2` the scratch folder, `$3` a tree that was captured, `$4` the file that ends it, or nothing, `$5` what has to be
 * noted there, if there is a fifth. The capture repository's index is what the last capture found in the workspace, so that Git knows of
 * every file that has to go.
 */
const RESTORE_SCRIPT = `
set -eu
umask 022
${ONE_AT_A_TIME}
if [ $# -ge 5 ]; then
  noted=''
  [ ! -e "$2/${NOTE}" ] || noted=$(cat "$2/${NOTE}")
  if [ "$noted" != "$5" ]; then
    echo 'It was given to another turn meanwhile.' >&2
    exit 1
  fi
fi
[ -z "$4" ] || [ ! -e "$2/$4" ] || exit 0
export GIT_DIR="$2/capture.git" GIT_WORK_TREE="$1"
cd "$1"
git read-tree --reset -u "$3"
`;

export interface RestoreUnless {
  /** Does nothing where the scratch folder has a file of that name. */
  unless?: string;
  /** As `settingOf` had it: fails, and has done nothing, where something else is noted by now. */
  note?: string;
}

/**
 * Puts the workspace back to a tree that was captured before. To be called right behind a capture, with nothing that writes in
 * between. Ignored files, and what no capture sees, stay as they are. Whoever captures may end it, by the prefix of its id.
 */
export async function restoreWorkspace(
  sandbox: Sandbox,
  tree: string,
  { unless = '', note }: RestoreUnless = {},
): Promise<void> {
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
      ...(note === undefined ? [] : [note]),
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
