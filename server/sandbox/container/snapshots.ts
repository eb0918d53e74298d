import { SandboxError } from '../sandbox.ts';
import { isAtRest, remove } from './control.ts';
import type { Engine } from './engine.ts';
import { type Container, findById, findContainer } from './inspect.ts';
import { addressOf, idIn } from './names.ts';
import { copyFromSnapshot, copyToSnapshot, createSnapshot } from './plan.ts';

/** Milliseconds for copying a volume. */
const COPY_DEADLINE = 30 * 60_000;

/**
 * Copies what a stopped machine has into a container that holds nothing else. Only a whole one gets the name.
 * @throws SandboxError `busy` where somebody started the machine meanwhile: what was copied then is of no one moment
 */
export async function takeSnapshot(
  engine: Engine,
  machine: Container,
  { name, relay }: { name: string; relay: string },
): Promise<void> {
  const partName = `${name}-part`;
  const left = await findContainer(engine, partName);
  if (left !== undefined) await remove(engine, left.id);
  const before = await atRest(engine, machine);
  const part = idIn(await engine.run(createSnapshot({ name: partName, relay, image: machine.image })));
  try {
    await engine.run(copyToSnapshot(machine.id, part, machine.image), COPY_DEADLINE);
    if ((await atRest(engine, machine)).startedAt !== before.startedAt) throw awake();
    await engine.run(['rename', part, name]);
  } catch (error) {
    await remove(engine, part).catch(() => {});
    throw error;
  }
}

async function atRest(engine: Engine, { id }: Container): Promise<Container> {
  const machine = await findById(engine, id);
  if (machine === undefined || !isAtRest(machine)) throw awake();
  return machine;
}

function awake(): SandboxError {
  return new SandboxError('busy', 'The sandbox was started or removed while it was copied.', {
    nextAction: 'Make the snapshot again.',
  });
}

/** Gives a machine that was never started what a snapshot has. */
export async function fillFrom(
  engine: Engine,
  snapshot: Container,
  machine: { id: string; image: string },
): Promise<void> {
  await engine.run(copyFromSnapshot(snapshot.id, machine.id, machine.image), COPY_DEADLINE);
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
