import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { BASE_REF, formerRef, type RepoDeps, readRef, repoPath } from './repository.ts';
import { SCRIPT_ENV } from './sandbox-scripts.ts';
import { readScratchFile } from './scratch-file.ts';
import { scriptFailure } from './workspace.ts';

const IDENTITY_LIMIT_MS = 30_000;

/** What a machine's workspace was filled with, and for whom. */
export interface Filled {
  /** Undefined where that was not noted yet: a machine of an earlier version. */
  base: string | undefined;
  /** The task or the prebuild. Undefined, as above: then the one that the machine is of. */
  taskId: string | undefined;
}

/** Undefined where the machine never was filled, or not to its end. */
export async function filledWith(sandbox: Sandbox): Promise<Filled | undefined> {
  const text = await readScratchFile(sandbox, 'capture.git/handoff-ready', 1024);
  if (text === undefined) return undefined;
  const [, base, taskId] = /^([0-9a-f]{40})(?: ([\w-]+))?$/.exec(text.trim()) ?? [];
  return { base, taskId };
}

/**
 * Whether the machine holds this task: it was filled for it, with a base that the relay has. What a vendor gives back after a sleep
 * is not taken for granted.
 */
export async function holdsTask(deps: RepoDeps, taskId: string, sandbox: Sandbox): Promise<boolean> {
  const filled = await filledWith(sandbox);
  if (filled?.taskId !== undefined && filled.taskId !== taskId) return false;
  const found = filled?.taskId === undefined ? await baseRefIn(sandbox) : filled.base;
  return found !== undefined && isBaseOf(deps, taskId, found);
}

/** Whether the task starts from that snapshot, or did before its base moved on. */
export async function isBaseOf(deps: RepoDeps, taskId: string, base: string): Promise<boolean> {
  const repo = repoPath(deps, taskId);
  if ((await readRef(repo, BASE_REF)) === base) return true;
  return /^[0-9a-f]{40}$/.test(base) && (await readRef(repo, formerRef(base))) !== undefined;
}

/** All that a machine of an earlier version tells. */
async function baseRefIn(sandbox: Sandbox): Promise<string> {
  const captured = `--git-dir=${sandbox.scratchdir}/capture.git`;
  const result = await sandbox.exec({
    execId: `identity:${randomUUID()}`,
    argv: ['git', captured, 'rev-parse', '--verify', '--quiet', BASE_REF],
    cwd: '/',
    env: SCRIPT_ENV,
    timeoutMs: IDENTITY_LIMIT_MS,
    maxOutputBytes: 1024,
  });
  // Where Git finds nothing, it says so by its exit code; a machine is given up by that, so nothing else counts as such.
  if (result.reason !== 'exit' || result.exitCode === null)
    throw scriptFailure('The sandbox could not be told from others.', result);
  return Buffer.from(result.stdout.head).toString().trim();
}
