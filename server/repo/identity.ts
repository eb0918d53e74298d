import { randomUUID } from 'node:crypto';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { BASE_REF, type RepoDeps, readRef, repoPath } from './repository.ts';
import { SCRIPT_ENV } from './sandbox-scripts.ts';

const IDENTITY_LIMIT_MS = 30_000;

/**
 * Whether the machine holds this task: its files began at the base that the relay has. What a vendor gives back after a sleep is not
 * taken for granted.
 */
export async function holdsTask(deps: RepoDeps, taskId: string, sandbox: Sandbox): Promise<boolean> {
  const base = await readRef(repoPath(deps, taskId), BASE_REF);
  const { stdout } = await sandbox.exec({
    execId: `identity:${randomUUID()}`,
    argv: [
      'git',
      `--git-dir=${sandbox.scratchdir}/capture.git`,
      'rev-parse',
      '--verify',
      '--quiet',
      BASE_REF,
    ],
    cwd: '/',
    env: SCRIPT_ENV,
    timeoutMs: IDENTITY_LIMIT_MS,
    maxOutputBytes: 1024,
  });
  return base !== undefined && Buffer.from(stdout.head).toString().trim() === base;
}
