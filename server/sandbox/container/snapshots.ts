import { SandboxError } from '../sandbox.ts';
import { remove } from './control.ts';
import type { Engine } from './engine.ts';
import { type Container, findContainer } from './inspect.ts';
import { addressOf } from './names.ts';
import { copyFromSnapshot, copyToSnapshot, createSnapshot } from './plan.ts';

/** Milliseconds for copying a volume. */
const COPY_DEADLINE = 30 * 60_000;

/** Copies what a stopped machine has into a container that holds nothing else. Only a whole one gets the name. */
export async function takeSnapshot(
  engine: Engine,
  machine: Container,
  { name, relay }: { name: string; relay: string },
): Promise<void> {
  const part = `${name}-part`;
  await remove(engine, part);
  await engine.run(createSnapshot({ name: part, relay, image: machine.image }));
  await engine.run(copyToSnapshot(machine.name, part, machine.image), COPY_DEADLINE);
  await engine.run(['rename', part, name]);
}

/** Gives a machine that was never started what a snapshot has. */
export async function fillFrom(
  engine: Engine,
  snapshot: Container,
  machine: { name: string; image: string },
): Promise<void> {
  await engine.run(copyFromSnapshot(snapshot.name, machine.name, machine.image), COPY_DEADLINE);
}

/** @throws SandboxError `not-found` where it was deleted */
export async function snapshotOf(engine: Engine, id: string): Promise<Container> {
  const address = addressOf(id);
  const found = address.engine === engine.kind ? await findContainer(engine, address.container) : undefined;
  if (found !== undefined) return found;
  throw new SandboxError('not-found', 'The snapshot to begin with is gone.', {
    nextAction: 'Begin without it, or make it again.',
  });
}
