import type { Sandbox as Machine } from '@daytonaio/sdk';
import {
  type Sandbox,
  type SandboxCaps,
  SandboxError,
  type SandboxProvider,
  type SandboxRef,
  type SandboxSpec,
} from '../sandbox.ts';
import { ANSWER_PATIENCE } from '../supervised/connection.ts';
import { supervisedSandbox } from '../supervised/sandbox.ts';
import { type Clock, createClient, realClock } from './client.ts';
import { createKit } from './kit.ts';
import { createLife, gone } from './life.ts';
import { createReach } from './reach.ts';
import { createSnapshots, snapshotRef } from './snapshots.ts';
import { providerState } from './states.ts';
import {
  type Choices,
  checkNetwork,
  networkOf,
  OWNER_LABEL,
  snapshotNameOf,
  TASK_LABEL,
  type Terms,
  termsOf,
} from './terms.ts';

/** Milliseconds between two words to the vendor that a machine is in use; it counts in minutes, and open connections too. */
const KEEP_ALIVE_PACE = 60_000;
/** How often a machine is asked for while none is there, and milliseconds before the second time. */
const CREATE_ATTEMPTS = 4;
const CREATE_PACE = 1_000;
/** Milliseconds for one request, where none is chosen. */
const REQUEST_MS = 30_000;

export interface DaytonaOptions extends Choices {
  apiKey: string | undefined;
  apiUrl: string | undefined;
  target: string | undefined;
  /** The supervisor's bundle for machines that are reached by WebSocket. */
  supervisorPath: string;
  /** Gets what happens to sandboxes, a line each. */
  log?: (line: string) => void;
  clock?: Clock;
  requestMs?: number;
  /** Milliseconds for a supervisor to answer. */
  answerPatience?: number;
}

/**
 * Sandboxes at Daytona: machines that every relay with the key reaches. Daytona makes, stops and removes them; in each runs our own
 * supervisor, reached by WebSocket through Daytona's preview of its port. Nothing is loaded, and no key needed, before the first use.
 *
 * What holds: a machine apart from ours, with limits on CPU, memory and disk, and the network as asked for, else it is not used.
 * What does not:
 * - Daytona, and members of its organization, can look into the machines.
 * - All in one machine is one user. A command can impersonate its supervisor, and then lies about its own machine.
 * - An organization of a low tier always reaches what Daytona deems essential, such as package registries.
 */
export function createDaytonaProvider(options: DaytonaOptions): SandboxProvider {
  const { owner, log = () => {}, clock = realClock, requestMs = REQUEST_MS } = options;
  const client = createClient({ ...options, clock, requestMs });
  const life = createLife(client);
  const snapshots = createSnapshots(client);
  const kit = createKit(options.supervisorPath);
  const reach = createReach(client, life, kit, options.answerPatience ?? ANSWER_PATIENCE);
  const keptAlive = new Map<string, number>();

  const open = async (machine: Machine): Promise<Sandbox> =>
    supervisedSandbox({
      ref: { provider: 'daytona', id: machine.id },
      caps: capsOf(machine),
      places: await reach.enter(machine),
      connection: () => reach.connection(machine.id),
    });

  /** Opens a machine that ran a moment ago; it may have stopped since then, and is started again. */
  const openAwake = async (machine: Machine): Promise<Sandbox> => {
    try {
      return await open(machine);
    } catch (error) {
      const isPassing = error instanceof SandboxError && error.code === 'busy';
      const now = isPassing ? await life.see(machine.id) : machine;
      if (now !== undefined && providerState(now.state) === 'running') throw error;
      return open(await life.awake(machine.id));
    }
  };

  /** The machine of that name, unless it is one of somebody else's. */
  const find = async (name: string, taskId: string): Promise<Machine | undefined> => {
    const machine = await life.see(name);
    if (machine === undefined) return undefined;
    if (machine.labels[TASK_LABEL] === taskId && machine.labels[OWNER_LABEL] === owner) return machine;
    throw new SandboxError('failed', `Daytona has a sandbox named ${name} that is not this task's.`, {
      nextAction: 'Rename or remove it in the Daytona dashboard.',
    });
  };

  /** What is asked for is made once: whatever became of asking, the name tells. */
  const make = async (terms: Terms, name: string, taskId: string): Promise<Machine> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // The SDK adds to the labels that it is given.
        const own = { ...terms, labels: { ...terms.labels } };
        const within = { repeat: false, patience: requestMs };
        return await client.ask(
          'create a sandbox',
          (daytona) => daytona.create(own, { timeout: requestMs / 1000 }),
          within,
        );
      } catch (error) {
        if (!(error instanceof SandboxError) || ['unavailable', 'cancelled'].includes(error.code))
          throw error;
        const machine = await find(name, taskId);
        if (machine !== undefined) return machine;
        if (error.code === 'failed') throw unavailable(error);
        // The name may be that of one that is just being removed, or the request have been lost on its way.
        if (attempt === CREATE_ATTEMPTS) throw error;
        await clock.sleep(CREATE_PACE * 2 ** (attempt - 1), client.closing).catch(() => {});
      }
    }
  };

  return {
    name: 'daytona',
    traits: { locality: 'anywhere', images: true },

    async create(spec: SandboxSpec) {
      const began = clock.now();
      const terms = termsOf(spec, options);
      const name = terms.name ?? '';
      const known = await find(name, spec.taskId);
      let machine = known;
      if (machine?.state === 'build_failed' || machine?.state === 'destroying') {
        // Nothing ever ran in the one, and nothing will in the other; the image may have been mended meanwhile.
        await life.removed(machine.id);
        machine = undefined;
      }
      if (machine === undefined && spec.from !== undefined) await snapshots.ready(spec.from.id);
      machine ??= await make(terms, name, spec.taskId);
      const ready = await life.awake(machine.id);
      try {
        checkNetwork(terms, ready);
      } catch (error) {
        if (known === undefined) await life.removed(ready.id);
        throw error;
      }
      if (isBigger(ready, spec.resources)) log(`sandbox ${ready.id} of Daytona is as big as its snapshot is`);
      const sandbox = await openAwake(ready);
      log(`sandbox ${ready.id} of Daytona is there after ${Math.round(clock.now() - began)} ms`);
      return sandbox;
    },

    resume: async (ref) => openAwake(await life.awake(idOf(ref))),

    async state(ref) {
      const machine = await life.see(idOf(ref));
      return machine === undefined ? 'gone' : providerState(machine.state);
    },

    async hibernate(ref) {
      reach.leave(ref.id);
      await life.asleep(idOf(ref));
      log(`sandbox ${ref.id} of Daytona hibernated`);
    },

    async destroy(ref) {
      reach.leave(ref.id);
      await life.removed(idOf(ref));
      keptAlive.delete(ref.id);
      log(`sandbox ${ref.id} of Daytona destroyed`);
    },

    async snapshot(ref, name) {
      const vendorName = snapshotNameOf(owner, name);
      await snapshots.ready(vendorName, async () => {
        const machine = await life.see(idOf(ref));
        if (machine === undefined) throw gone();
        if (machine.sandboxClass !== 'container' && machine.sandboxClass !== undefined)
          await life.asleep(machine.id);
        else if (providerState(machine.state) === 'running') await endCommands(ref);
        await client
          .ask('take a snapshot', () => machine.createSnapshot(vendorName, requestMs / 1000), {
            repeat: false,
            patience: requestMs,
          })
          .catch((error: unknown) => {
            // It may be on its way all the same, or another relay have asked for it: the snapshot itself tells.
            if (!(error instanceof SandboxError) || !['busy', 'exists'].includes(error.code)) throw error;
          });
      });
      return snapshotRef(vendorName);
    },

    deleteSnapshot: ({ id }) => snapshots.remove(id),

    async keepAlive(ref) {
      const last = keptAlive.get(ref.id);
      if (last !== undefined && clock.now() - last < KEEP_ALIVE_PACE) return;
      keptAlive.set(ref.id, clock.now());
      const machine = await life.see(idOf(ref));
      if (machine !== undefined) await client.ask('keep the sandbox', () => machine.refreshActivity());
    },

    list: () =>
      client.ask('list sandboxes', async (daytona) => {
        const found: Array<{ ref: SandboxRef; taskId: string }> = [];
        for await (const { id, labels, state } of daytona.list({ labels: { [OWNER_LABEL]: owner } })) {
          const taskId = labels[TASK_LABEL];
          const isGone = state === 'destroying' || providerState(state) === 'gone';
          if (taskId !== undefined && !isGone) found.push({ ref: { provider: 'daytona', id }, taskId });
        }
        return found;
      }),

    async close() {
      client.close();
      reach.close();
    },
  };

  /** So that none is caught in the middle of writing; a snapshot may be a stop everywhere. */
  async function endCommands(ref: SandboxRef): Promise<void> {
    const connection = await reach.connection(ref.id);
    await connection.call({ op: 'killAll', prefix: '' }, { deadline: requestMs });
  }
}

/** Everything at Daytona is limited by force, whatever its size is. */
function capsOf(machine: Machine): SandboxCaps {
  return {
    isolation:
      machine.sandboxClass === undefined || machine.sandboxClass === 'container' ? 'container' : 'vm',
    byteExactOutput: true,
    attach: true,
    network: networkOf(machine),
    limits: { processes: false, cpus: true, memory: true, disk: true },
  };
}

/** A machine made of a snapshot has the snapshot's size, whatever was asked for. */
function isBigger({ cpu, memory, disk }: Machine, asked: SandboxSpec['resources'] = {}): boolean {
  const { cpus = Infinity, memoryMiB = Infinity, diskMiB = Infinity } = asked;
  return (
    cpu > Math.max(1, cpus) || memory > Math.max(1, memoryMiB / 1024) || disk > Math.max(1, diskMiB / 1024)
  );
}

/** It becomes part of a URL. */
function idOf({ provider, id }: SandboxRef): string {
  if (provider === 'daytona' && /^[\w-]{1,100}$/.test(id)) return id;
  throw new SandboxError('not-found', 'That is not the id of a sandbox at Daytona.');
}

function unavailable(error: SandboxError): SandboxError {
  return new SandboxError('unavailable', error.message, {
    cause: error.cause,
    nextAction:
      'See the limits of your organization at Daytona, and check HANDOFF_IMAGE, HANDOFF_DAYTONA_SNAPSHOT, DAYTONA_TARGET and HANDOFF_SANDBOX_*.',
  });
}
