import { createHash } from 'node:crypto';
import { SandboxError } from '../sandbox.ts';

/** The engines that this adapter knows how to speak to. */
export type EngineKind = 'docker' | 'podman';

/** A container and whose it is. */
export interface Address {
  engine: EngineKind;
  container: string;
}

const ADDRESS = /^(docker|podman):(handoff-[a-z0-9-]{1,140})$/;
const SNAPSHOT_NAME = /^[a-z0-9-]{1,100}$/;

/** By which the machines of one data folder are told from those of others on the same engine. */
export function relayId(dataDir: string): string {
  return hash(dataDir);
}

/** The container of a task: a readable beginning, and a hash for what that leaves out. */
export function machineName(relay: string, taskId: string): string {
  const readable = taskId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 24);
  return `handoff-t-${readable}-${hash(`${relay} ${taskId}`)}`;
}

/** @throws SandboxError where the name is none */
export function snapshotName(relay: string, name: string): string {
  if (!SNAPSHOT_NAME.test(name))
    throw new SandboxError(
      'failed',
      `A snapshot's name has 1 to 100 of a-z, 0-9 and "-", unlike ${JSON.stringify(name)}.`,
    );
  return `handoff-s-${name}-${relay}`;
}

export function idOf({ engine, container }: Address): string {
  return `${engine}:${container}`;
}

/** @throws SandboxError `not-found` for what was never an id of this adapter */
export function addressOf(id: string): Address {
  const [, engine, container] = ADDRESS.exec(id) ?? [];
  if (container === undefined || (engine !== 'docker' && engine !== 'podman'))
    throw new SandboxError('not-found', 'That is not the id of a container sandbox.');
  return { engine, container };
}

/** The id of a container in what `create` printed. @throws SandboxError where there is none */
export function idIn(told: string): string {
  const id = told.trim();
  if (/^[0-9a-f]{64}$/.test(id)) return id;
  throw new SandboxError(
    'failed',
    `The container engine made a container and did not say which: ${told.slice(0, 200)}`,
    { nextAction: 'Use podman 4 or docker 20.10, or newer ones.' },
  );
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
