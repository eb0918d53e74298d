import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SandboxError } from '../sandbox.ts';
import type { SandboxPlace } from './layout.ts';
import type { Workshop } from './prepare.ts';

/** Seconds that a lock may take to be given back after its sandbox was killed; it takes a few milliseconds. */
export const LOCK_PATIENCE = 1;

/**
 * Does something to the files of a sandbox while nobody, no other relay either, can start it. The lock is the one that a running
 * sandbox holds, and is given back when this process dies.
 * @throws SandboxError `busy` where the sandbox runs
 */
export async function whileAsleep<Result>(
  { host }: Pick<Workshop, 'host'>,
  { lock }: SandboxPlace,
  work: () => Promise<Result>,
): Promise<Result> {
  const child = spawn(host.flock, ['--exclusive', '--timeout', String(LOCK_PATIENCE), lock, '/bin/cat'], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<'ended'>((resolve) =>
    child.once('close', () => resolve('ended')).once('error', () => resolve('ended')),
  );
  // Where the lock cannot be had nobody reads this.
  child.stdin.on('error', () => {});
  // What comes back says that `cat` runs, so the lock is held.
  child.stdin.write('\n');
  try {
    if ((await Promise.race([once(child.stdout, 'data'), ended])) === 'ended') {
      throw new SandboxError('busy', 'Another relay is using this sandbox.', { nextAction: 'Try again.' });
    }
    return await work();
  } finally {
    child.stdin.end();
    await ended;
  }
}
