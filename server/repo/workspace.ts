import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { BoundedOutput, ExecResult, Sandbox } from '../sandbox/sandbox.ts';
import { isBranchName } from './branch.ts';
import { GitError } from './git.ts';
import { readLoose } from './loose.ts';
import { assertOid, proposalRef, type RepoDeps, readRef, repoPath, writeRef } from './repository.ts';
import { CAPTURE_LOCKED, CAPTURE_SCRIPT, CHECKOUT_SCRIPT, SCRIPT_ENV } from './sandbox-scripts.ts';

export const CHECKOUT_LIMIT_MS = 10 * 60_000;
const CAPTURE_LIMIT_MS = 5 * 60_000;
const START_BUNDLE = 'start.bundle';
/** A pack of fewer objects becomes loose files, so that hundreds of captures do not make hundreds of packs (as Git's own fetch). */
const UNPACK_BELOW = 100;

/**
 * Fills an empty workspace with `bundle`, from `startBundle`, byte for byte, and gives the agent a repository of one commit on `branch`, without
 * remote and credential. Once it is done, repeating it changes nothing, whatever the agent has written since.
 * @param headTree the proposal that the files end at, where work had been done before on another machine; absent: the base
 */
export async function checkoutInto(
  sandbox: Sandbox,
  input: { taskId: string; bundle: Uint8Array; branch: string; headTree?: string | undefined },
  signal?: AbortSignal,
): Promise<void> {
  const { taskId, bundle, branch, headTree } = input;
  if (!isBranchName(branch)) {
    throw new AppError('bad_request', `${JSON.stringify(branch)} is not a branch name that Git allows.`);
  }
  // What an attempt of a relay that died left running would write to the same files.
  await sandbox.killAll('checkout:');
  await sandbox.putScratch(START_BUNDLE, bundle);
  const result = await runScript(sandbox, {
    execId: `checkout:${randomUUID()}`,
    script: CHECKOUT_SCRIPT,
    parameters: [START_BUNDLE, taskId, branch, headTree === undefined ? '' : assertOid(headTree)],
    timeoutMs: CHECKOUT_LIMIT_MS,
    signal,
  });
  signal?.throwIfAborted();
  if (result.exitCode !== 0) throw scriptFailure('The workspace could not be filled.', result);
}

/**
 * The workspace as a tree in the task's repository, kept by `refs/handoff/proposal/<tree>`. Ignored files, repositories inside
 * the workspace and unreadable files are not part of it. Costs one command in the sandbox while nothing has changed.
 * @param input.previousTree what the workspace is known to have held, or the base
 * @param input.seenTree the tree of its last capture, where `previousTree` is of none
 */
export async function captureProposal(
  deps: RepoDeps,
  sandbox: Sandbox,
  input: { taskId: string; previousTree: string; seenTree?: string | undefined },
  signal?: AbortSignal,
): Promise<{ headTree: string }> {
  const { taskId, previousTree, seenTree = previousTree } = input;
  const repo = repoPath(deps, taskId);
  const pack = `capture-${randomUUID()}.pack`;
  const capture = (...extra: string[]) =>
    runScript(sandbox, {
      execId: `capture:${randomUUID()}`,
      script: CAPTURE_SCRIPT,
      parameters: [assertOid(previousTree), pack, assertOid(seenTree), ...extra],
      timeoutMs: CAPTURE_LIMIT_MS,
      signal,
    });
  let result = await capture();
  if (result.exitCode === CAPTURE_LOCKED) {
    // A capture of a relay that died, still running or killed: after this it is the latter.
    await sandbox.killAll('capture:');
    result = await capture('unlock');
  }
  signal?.throwIfAborted();
  if (result.exitCode !== 0) throw scriptFailure('The changes could not be read from the workspace.', result);
  const [, headTree, hasPack] = /^([0-9a-f]{40})( pack)?\n$/.exec(textOf(result.stdout)) ?? [];
  if (headTree === undefined) throw scriptFailure('The capture answered what it should not.', result);
  const ref = proposalRef(headTree);
  if (hasPack === undefined || (await readRef(repo, ref)) !== undefined) return { headTree };
  await takeIn(deps, repo, await sandbox.getScratch(pack), headTree, signal);
  await writeRef(repo, ref, headTree);
  return { headTree };
}

/** Objects out of a sandbox are checked like those of a stranger: well formed, no `.git` entries, no missing links, a tree. */
async function takeIn(
  deps: RepoDeps,
  repo: string,
  pack: Uint8Array,
  headTree: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const objects = pack.byteLength < 12 ? 0 : new DataView(pack.buffer, pack.byteOffset).getUint32(8);
  const args =
    objects < UNPACK_BELOW ? ['unpack-objects', '-q', '--strict'] : ['index-pack', '--stdin', '--strict'];
  try {
    await deps.git(args, { repo, stdin: pack, signal });
    if (!(await isTree(deps, repo, headTree, signal))) throw unsound();
  } catch (cause) {
    // Only where Git itself has looked at it and said so.
    throw cause instanceof GitError && cause.exitCode !== null ? unsound(cause) : cause;
  }
}

/**
 * Whether `oid` is a tree, and no commit of one. What was unpacked is a loose object, and costs no process: its content hashes to its
 * name. For what is elsewhere (a big capture, a tree that was there before) Git is asked, and fails where there is nothing.
 */
async function isTree(
  deps: RepoDeps,
  repo: string,
  oid: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if ((await readLoose(repo, oid))?.type === 'tree') return true;
  const printed = await deps.git(['rev-parse', '--verify', '--quiet', `${oid}^{tree}`], { repo, signal });
  return printed.toString().trim() === oid;
}

/** What Git says of a file of its own that agents write in good faith, and that would be refused wherever it is pushed to. */
const REFUSED = /^error: object [0-9a-f]{40}: git(modules|attributes)\w*: ([^:\n]+)/m;

function unsound(cause?: GitError): AppError {
  const [, kind, why] = REFUSED.exec(cause?.stderr ?? '') ?? [];
  if (kind !== undefined) {
    return new AppError('files_refused', `Git refuses a file .git${kind}: ${why}.`, {
      cause,
      nextAction: `Mend or remove it, wherever in the workspace it is; until then nothing of the work can be proposed.`,
    });
  }
  return new AppError('sandbox_unavailable', 'What the sandbox sent is not a sound set of files.', {
    cause,
    nextAction:
      'Look for file names that Git refuses (such as .git in a folder), remove them, and try again.',
  });
}

function runScript(
  sandbox: Sandbox,
  run: {
    execId: string;
    script: string;
    parameters: string[];
    timeoutMs: number;
    signal: AbortSignal | undefined;
  },
): Promise<ExecResult> {
  const argv = ['sh', '-c', run.script, 'handoff', sandbox.workdir, sandbox.scratchdir, ...run.parameters];
  return sandbox.exec(
    {
      execId: run.execId,
      argv,
      cwd: '/',
      env: SCRIPT_ENV,
      timeoutMs: run.timeoutMs,
      maxOutputBytes: 16 * 1024,
    },
    run.signal === undefined ? {} : { signal: run.signal },
  );
}

/** What a script of ours said, as a failure for the person. */
export function scriptFailure(message: string, result: ExecResult): AppError {
  if (result.reason === 'lost') {
    return new AppError('sandbox_lost', `${message} The sandbox lost the command.`, {
      nextAction: 'Try again.',
    });
  }
  if (result.reason === 'timeout') {
    return new AppError(
      'too_large',
      `${message} It took longer than ${Math.round(result.durationMs / 1000)} s.`,
      {
        nextAction: 'Keep big generated files out of the workspace, or name them in .gitignore.',
      },
    );
  }
  const said = textOf(result.stderr).trim().slice(-1000);
  return new AppError('sandbox_unavailable', `${message} ${said || `Exit code ${result.exitCode}.`}`, {
    nextAction: 'Check that the sandbox has git and free disk space, then try again.',
  });
}

function textOf(output: BoundedOutput): string {
  return Buffer.concat([output.head, output.tail]).toString();
}
