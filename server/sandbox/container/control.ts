import { SandboxError } from '../sandbox.ts';
import type { Engine } from './engine.ts';
import { type Container, findById } from './inspect.ts';

/** As engines have the exit code of what `stop` killed, for which it had no time to do anything about. */
const KILLED = 137;

/** Whether nothing runs in a container. Before it is stopped, what is paused counts as running. */
export function isAtRest({ status }: Container): boolean {
  return !['running', 'paused', 'restarting', 'stopping'].includes(status);
}

/** Kills what runs in a container. Idempotent. */
export async function stop(engine: Engine, container: Container): Promise<void> {
  // Engines differ on stopping what is paused, or does not run.
  if (container.status === 'paused') await engine.run(['unpause', container.id]);
  if (!isAtRest(container)) await engine.run(['stop', '-t', '0', container.id]);
}

/** Removes a container with its volume, whatever runs in it. Idempotent. */
export async function remove(engine: Engine, id: string): Promise<void> {
  await removeUnless(engine, ['rm', '--force', '--volumes', id], id, () => false);
}

/** Removes what never ran. Where somebody starts it just now, which the engine itself makes sure of, it stays. Idempotent. */
export async function removeUnstarted(engine: Engine, id: string): Promise<void> {
  await removeUnless(engine, ['rm', '--volumes', id], id, ({ started }) => started);
}

/**
 * Removes a machine that could not be made. What started is kept if it runs or was put to sleep: another relay, which found it
 * running, may have worked in it; whoever comes next starts it again.
 */
export async function removeUnmade(engine: Engine, id: string): Promise<void> {
  const container = await findById(engine, id);
  if (container === undefined || !isAtRest(container)) return;
  if (container.started && container.exitCode === KILLED) return;
  await removeUnless(engine, ['rm', '--volumes', id], id, (now) => !isAtRest(now));
}

/** A failed removal is none where the container is gone, for somebody else may be removing it, or where it may stay. */
async function removeUnless(
  engine: Engine,
  command: string[],
  id: string,
  mayStay: (container: Container) => boolean,
): Promise<void> {
  try {
    await engine.run(command);
  } catch (error) {
    const container = await findById(engine, id);
    if (container !== undefined && !mayStay(container)) throw error;
  }
}

/** What did not start may have said why. */
export async function withLastWords(engine: Engine, id: string, error: unknown): Promise<unknown> {
  const words = await engine.lastWords(id);
  if (words === '') return error;
  return new SandboxError('unavailable', `The sandbox did not start: ${words.slice(-600)}`, {
    cause: error,
    nextAction: 'Use another image (HANDOFF_IMAGE, or "image" of the repository).',
  });
}
