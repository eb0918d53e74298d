import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { filledWith } from './identity.ts';
import { moveInto } from './move.ts';
import {
  assertOid,
  BASE_REF,
  proposalRef,
  type RepoDeps,
  readRef,
  repoPath,
  writeRef,
} from './repository.ts';
import { ONE_AT_A_TIME, SCRIPT_ENV } from './sandbox-scripts.ts';
import { readScratchFile } from './scratch-file.ts';
import { CHECKOUT_LIMIT_MS, scriptFailure } from './workspace.ts';

const PACK_LIMIT = 2 ** 30;
/** In the scratch folder: who was given the workspace last. */
export const NOTE = 'capture.git/handoff-set';
const NOTE_LIMIT_MS = 30_000;

/**
 * `$1` is the workspace, `$2` the scratch folder, `$3` a pack of what is new in the tree `$4`, which the workspace gets; `$5` names this
 * setting of it, and `$6` is what was noted by the one before. The capture repository's index is what the last capture found.
 *
 * Nothing is noted in a machine that was made anew. Done once: a relay that slept sends its own long after another has done it and an agent works there. One that was cut off is noted as
 * begun, and repeated. Ignored files, and what no capture sees, stay as they are.
 */
const SET_SCRIPT = `
set -eu
umask 022
${ONE_AT_A_TIME}
export GIT_DIR="$2/capture.git" GIT_WORK_TREE="$1"
note=$2/${NOTE}
noted=''
[ ! -e "$note" ] || noted=$(cat "$note")
if [ "$noted" = "$5 done" ]; then
  rm -f "$2/$3"
  exit 0
fi
if [ -n "$noted" ] && [ "$noted" != "$5 begun" ] && [ "$noted" != "$6" ]; then
  echo 'It was given other files meanwhile.' >&2
  exit 1
fi
say() {
  printf '%s %s\\n' "$1" "$2" >"$note.part"
  mv "$note.part" "$note"
}
git index-pack --stdin --fix-thin <"$2/$3" >/dev/null
say "$5" begun
cd "$1"
rm -f "$GIT_DIR/index.lock"
git read-tree --reset -u "$4"
# A submodule is an empty folder here; whatever becomes of it is not part of the proposal.
git ls-files --stage -z | sed -z -n 's/^160000 [^\\t]*\\t//p' | git update-index -z --skip-worktree --stdin
say "$5" done
rm -f "$2/$3"
`;

/** `$3` names who works in the workspace from now on, as it is. */
const NOTE_SCRIPT = `
set -eu
umask 022
${ONE_AT_A_TIME}
printf '%s working\\n' "$3" >"$2/${NOTE}.part"
mv "$2/${NOTE}.part" "$2/${NOTE}"
`;

/**
 * What is noted in a machine of who was last given its workspace: handed to `setWorkspace` and `restoreWorkspace`, so that it is not done
 * over another's.
 */
export async function settingOf(sandbox: Sandbox): Promise<string> {
  return (await readScratchFile(sandbox, NOTE, 1024))?.trim() ?? '';
}

/** Whether it is noted there that its files were set under that name, or are being set. */
export const isSetBy = (note: string, name: string): boolean =>
  note === `${name} begun` || note === `${name} done`;

/** Notes that a turn works in a workspace that was given no other files for it. What was begun before, and comes late, passes it over. */
export async function noteWork(sandbox: Sandbox, name: string): Promise<void> {
  const result = await sandbox.exec({
    execId: `set:${randomUUID()}`,
    argv: ['sh', '-c', NOTE_SCRIPT, 'handoff', sandbox.workdir, sandbox.scratchdir, name],
    cwd: '/',
    env: SCRIPT_ENV,
    timeoutMs: NOTE_LIMIT_MS,
    maxOutputBytes: 16 * 1024,
  });
  if (result.exitCode !== 0)
    throw scriptFailure('It could not be noted in the sandbox that the agent works there.', result);
}

export interface Setting {
  taskId: string;
  /** Names this setting: done once, however often it is asked for. */
  name: string;
  /** As `settingOf` had it before. */
  before: string;
  /** The tree that the workspace was captured as. */
  from: string;
  to: string;
  branch: string;
}

/**
 * Makes a workspace that was just captured hold another tree, and moves it to the task's base where that is another by now. To be called
 * with nothing that writes there. Safe to repeat, and to be late.
 */
export async function setWorkspace(deps: RepoDeps, sandbox: Sandbox, setting: Setting): Promise<void> {
  const { taskId, name, before, from, to, branch } = setting;
  const repo = repoPath(deps, taskId);
  // A machine that is made anew is filled with it.
  await writeRef(repo, proposalRef(to), to);
  await sandbox.killAll('capture:');
  const pack = `set-${randomUUID()}.pack`;
  const news = await deps.git(
    ['pack-objects', '--quiet', '--revs', '--thin', '--stdout', '--delta-base-offset'],
    { repo, stdin: Buffer.from(`${assertOid(to)}\n^${assertOid(from)}\n`), maxOutputBytes: PACK_LIMIT },
  );
  await sandbox.putScratch(pack, news);
  const result = await sandbox.exec({
    execId: `set:${randomUUID()}`,
    argv: ['sh', '-c', SET_SCRIPT, 'handoff', sandbox.workdir, sandbox.scratchdir, pack, to, name, before],
    cwd: '/',
    env: SCRIPT_ENV,
    timeoutMs: CHECKOUT_LIMIT_MS,
    maxOutputBytes: 16 * 1024,
  });
  if (result.exitCode !== 0)
    throw scriptFailure('The workspace could not be brought up to the review.', result);

  const filled = await filledWith(sandbox);
  if (filled?.base === undefined || filled.base === (await readRef(repo, BASE_REF))) return;
  await moveInto(deps, sandbox, { taskId, from: filled.base, prebuiltId: taskId, branch, headTree: to });
}
