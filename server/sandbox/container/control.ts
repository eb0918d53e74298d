import { SandboxError } from '../sandbox.ts';
import type { Engine } from './engine.ts';
import { type Container, findContainer } from './inspect.ts';

/** Kills what runs in a container. Idempotent. */
export async function stop(engine: Engine, { name, status }: Container): Promise<void> {
  // Engines differ on stopping what is paused, or does not run.
  if (status === 'paused') await engine.run(['unpause', name]);
  if (['running', 'paused', 'restarting', 'stopping'].includes(status))
    await engine.run(['stop', '-t', '0', name]);
}

/** Removes a container with its volume. Idempotent. */
export async function remove(engine: Engine, name: string): Promise<void> {
  if ((await findContainer(engine, name)) === undefined) return;
  try {
    await engine.run(['rm', '--force', '--volumes', name]);
  } catch (error) {
    // Somebody else may be removing it: all that counts is that it goes.
    if ((await findContainer(engine, name)) !== undefined) throw error;
  }
}

/** What did not start may have said why. */
export async function withLastWords(engine: Engine, name: string, error: unknown): Promise<unknown> {
  const words = await engine.lastWords(name);
  if (words === '') return error;
  return new SandboxError('unavailable', `The sandbox did not start: ${words.slice(-600)}`, {
    cause: error,
    nextAction: 'Use another image (HANDOFF_IMAGE, or "image" of the repository).',
  });
}
