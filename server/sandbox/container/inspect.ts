import * as z from 'zod';
import { type ProviderState, SandboxError } from '../sandbox.ts';
import type { Engine } from './engine.ts';
import { LABELS } from './plan.ts';

/** Of what engines tell of a container, what all of them tell. */
const Inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: z.string().transform(Date.parse).pipe(z.number()),
  State: z.object({ Status: z.string(), StartedAt: z.string(), ExitCode: z.number() }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish(), Image: z.string() }),
  HostConfig: z.object({
    NetworkMode: z.string(),
    Memory: z.number().nullish(),
    NanoCpus: z.number().nullish(),
    CpuQuota: z.number().nullish(),
    PidsLimit: z.number().nullish(),
  }),
});

/** As engines have the time of what never happened. */
const NEVER = '0001-01-01T00:00:00';

export interface Container {
  /** What is done to a container is done by this: another relay may have given its name to another one meanwhile. */
  id: string;
  name: string;
  status: string;
  /** Milliseconds since 1970, by the engine's clock. */
  createdAt: number;
  /** The last time that it was started, in the engine's words. */
  startedAt: string;
  exitCode: number;
  /** Whether it ever ran; until then it is being made, or that was broken off. */
  started: boolean;
  taskId: string;
  image: string;
  hasNetwork: boolean;
  /** What the engine really keeps to: without control groups it warns, and leaves limits out. */
  limits: { processes: boolean; cpus: boolean; memory: boolean };
}

/**
 * The container of that name; undefined only where the engine is certain that there is none.
 * @throws SandboxError where the engine does not answer
 */
export function findContainer(engine: Engine, name: string): Promise<Container | undefined> {
  return found(engine, name, `name=^${name}$`);
}

/** As `findContainer`, of one that is known. */
export function findById(engine: Engine, id: string): Promise<Container | undefined> {
  return found(engine, id, `id=${id}`);
}

async function found(engine: Engine, key: string, filter: string): Promise<Container | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return parsed(await engine.run(['container', 'inspect', key]))[0];
    } catch (error) {
      // To inspect what is not there fails like everything else; to list it does not.
      if ((await listed(engine, filter)).length === 0) return undefined;
      if (attempt === 2) throw error;
    }
  }
}

/** The machines of a relay, those included that were never finished. */
export async function findMachines(engine: Engine, relay: string): Promise<Container[]> {
  const filters = [`label=${LABELS.relay}=${relay}`, `label=${LABELS.kind}=machine`];
  const ids = await listed(engine, ...filters);
  const found: Container[] = [];
  for (const id of ids) {
    try {
      found.push(...parsed(await engine.run(['container', 'inspect', id])));
    } catch (error) {
      if ((await listed(engine, ...filters)).includes(id)) throw error;
    }
  }
  return found;
}

async function listed(engine: Engine, ...filters: string[]): Promise<string[]> {
  const asked = filters.map((filter) => `--filter=${filter}`);
  const told = await engine.run(['ps', '--all', '--quiet', '--no-trunc', ...asked]);
  return told.split(/\s+/).filter((id) => id !== '');
}

function parsed(told: string): Container[] {
  const shape = z.array(Inspected).safeParse(JSON.parse(told));
  if (!shape.success) {
    throw new SandboxError(
      'failed',
      'The container engine describes a container in a way that Handoff does not know.',
      {
        cause: shape.error,
        nextAction: 'Use podman 4 or docker 20.10, or newer ones.',
      },
    );
  }
  return shape.data.map(({ Id, Name, Created, State, Config, HostConfig }) => ({
    id: Id,
    name: Name.replace(/^\//, ''),
    status: State.Status,
    createdAt: Created,
    startedAt: State.StartedAt,
    exitCode: State.ExitCode,
    started: !State.StartedAt.startsWith(NEVER),
    taskId: Config.Labels?.[LABELS.task] ?? '',
    image: Config.Image,
    hasNetwork: HostConfig.NetworkMode !== 'none',
    limits: {
      // None is absent, 0 or -1, by engine.
      processes: (HostConfig.PidsLimit ?? 0) > 0,
      cpus: (HostConfig.NanoCpus ?? 0) > 0 || (HostConfig.CpuQuota ?? 0) > 0,
      memory: (HostConfig.Memory ?? 0) > 0,
    },
  }));
}

const STATES: Record<string, ProviderState> = {
  running: 'running',
  restarting: 'starting',
  stopping: 'stopping',
  removing: 'stopping',
  exited: 'hibernated',
  stopped: 'hibernated',
  paused: 'hibernated',
  // Podman says so of one that ran before, and then could not be started.
  created: 'hibernated',
  configured: 'hibernated',
  initialized: 'hibernated',
};

export function stateOf({ started, status }: Container): ProviderState {
  return started ? (STATES[status] ?? 'failed') : 'starting';
}
