import fs from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createQueues } from '../queues.ts';
import {
  type Sandbox,
  type SandboxCaps,
  SandboxError,
  type SandboxProvider,
  type SandboxRef,
  type SandboxSpec,
} from '../sandbox.ts';
import { ANSWER_PATIENCE, type Connection, greet } from '../supervised/connection.ts';
import { createConnections } from '../supervised/connections.ts';
import { ripgrepFor } from '../supervised/ripgrep.ts';
import { supervisedSandbox } from '../supervised/sandbox.ts';
import { remove, removeUnmade, removeUnstarted, stop, withLastWords } from './control.ts';
import { createEngines, type Engine } from './engine.ts';
import { ensureImage } from './image.ts';
import { type Container, findById, findContainer, findMachines, stateOf } from './inspect.ts';
import { addressOf, idIn, idOf, machineName, relayId, snapshotName } from './names.ts';
import { PLACES, PROGRAMS } from './places.ts';
import { createMachine, DEFAULT_IMAGE, defaultMemory, layOut } from './plan.ts';
import { connectTo } from './reach.ts';
import { installRuntime, type Programs } from './runtime.ts';
import { fillFrom, snapshotOf, takeSnapshot } from './snapshots.ts';

export interface ContainerOptions {
  /** The relay's data folder; what containers are given lies in `containers` below it. Made where it is missing. */
  dataDir: string;
  programs: Programs;
  /** `docker`, `podman`, or the path of one. Default: whichever there is. */
  cli?: string;
  /** For tasks that name none. */
  image?: string;
  /** The environment of the engine's command line. Default: the relay's. */
  env?: Record<string, string | undefined>;
  /** Milliseconds after which a supervisor that says nothing counts as failed. */
  answerPatience?: number;
  /** Gets what happens to sandboxes, a line each. */
  log?: (line: string) => void;
}

const NAME = 'container';
/** Milliseconds after which a container that never started is one whose relay has died. If it has not, it notices that its own is gone. */
const MAKING_PATIENCE = 120_000;
/** Milliseconds between two looks at one that another relay makes. */
const LOOK = 500;

/**
 * Sandboxes in containers of docker or podman on this machine, by their command line: one container and one supervisor each, which
 * outlive the relay. On Linux, macOS and Windows.
 *
 * A container has one volume (workspace, home, scratch, the records of commands), which goes when it goes; the rest of it is
 * read-only, but for /tmp in memory. To sleep is to stop. A snapshot is another volume, held by a container that never runs, and a
 * machine that is made of it gets a copy: `commit` would leave volumes out, and without a volume nothing could be read-only.
 *
 * What holds, as far as the engine keeps its word: its default filter of system calls, no capability, no new privilege, not root
 * inside, limits on processes and memory, and on CPUs where they are set (`caps` tell what an engine left out); no network, or all of
 * it. No folder of the host but one of our own programs, read-only; no socket of the engine; no proxy setting of the person's.
 *
 * What does not: the kernel is shared with what runs the engine. Disk is not limited. Whoever may speak to Docker's engine is root on
 * its machine, so the relay's user is. All in one sandbox is one user, as in local ones. The engine has to be on this machine.
 *
 * How this is tested: where it is developed no engine runs. The conformance suite runs over a double of the command line which
 * starts the real supervisor and bridge in bubblewrap and enforces nothing; the options for containers are compared word by word, and
 * given to the real `docker` client, which turns them into the request that a real engine would get. No real engine has seen them.
 */
export function createContainerProvider(options: ContainerOptions): SandboxProvider {
  const log = options.log ?? (() => {});
  const patience = options.answerPatience ?? ANSWER_PATIENCE;
  fs.mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = fs.realpathSync(options.dataDir);
  const relay = relayId(dataDir);
  const runtime = join(dataDir, 'containers', 'runtime');
  const engines = createEngines(options.cli, options.env ?? process.env);

  /** Images of the person's need not have a Node, but only Linux has one to lend. */
  const nodeFor = (image: string): string =>
    process.platform !== 'linux' || image === DEFAULT_IMAGE ? 'node' : PROGRAMS.node;
  const provide = async (image: string): Promise<void> => {
    const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
    const node = nodeFor(image) === PROGRAMS.node ? fs.realpathSync(process.execPath) : undefined;
    const ripgrep = await ripgrepFor(arch, dirname(options.programs.supervisor));
    await installRuntime(runtime, { programs: options.programs, node, ripgrep });
  };

  /** What is done to one container is done in turn. */
  const inTurn = createQueues();
  const connections = createConnections();
  const connect = (engine: Engine, { id, image }: Container): Promise<Connection> =>
    connections.get(id, () => connectTo(engine, id, nodeFor(image), patience));

  const handle = (engine: Engine, container: Container): Sandbox =>
    supervisedSandbox({
      ref: { provider: NAME, id: idOf({ engine: engine.kind, container: container.name }) },
      caps: capsOf(container),
      places: PLACES,
      connection: () => connect(engine, container),
    });

  /** Has the container run and its supervisor answer; one that does not is started afresh. */
  const wake = async (engine: Engine, container: Container): Promise<Sandbox> => {
    if (container.status === 'running') {
      try {
        await greet(await connect(engine, container), patience);
        return handle(engine, container);
      } catch {
        log(`sandbox ${container.name} does not answer`);
      }
    }
    const began = performance.now();
    await connections.end(container.id);
    await stop(engine, container);
    await provide(container.image);
    await engine.run(['start', container.id]);
    try {
      await connect(engine, container);
    } catch (error) {
      throw await withLastWords(engine, container.id, error);
    }
    log(`sandbox ${container.name} started in ${Math.round(performance.now() - began)} ms`);
    return handle(engine, container);
  };

  const make = async (engine: Engine, name: string, spec: SandboxSpec): Promise<Sandbox> => {
    const image = spec.image ?? options.image ?? DEFAULT_IMAGE;
    const { resources, network } = spec;
    const memoryMiB = resources?.memoryMiB ?? defaultMemory(totalmem() / 2 ** 20);
    const args = createMachine({
      name,
      taskId: spec.taskId,
      relay,
      image,
      resources: { ...resources, memoryMiB },
      network,
      runtime,
      node: nodeFor(image),
    });
    const from = spec.from === undefined ? undefined : await snapshotOf(engine, spec.from.id);
    await ensureImage(engine, image, log);
    await provide(image);
    // Never by its name from here on: once this relay has slept, that may be another's.
    const id = idIn(await engine.run(args));
    try {
      await engine.run(layOut(id, image));
      if (from !== undefined) await fillFrom(engine, from, { id, image });
      const container = await findById(engine, id);
      if (container === undefined) throw takenOver();
      return await wake(engine, container);
    } catch (error) {
      await removeUnmade(engine, id).catch(() => {});
      throw error;
    }
  };

  /** The one of that name which has run; undefined where there is none, and nobody makes it. Waits while somebody may. */
  const settled = async (engine: Engine, name: string): Promise<Container | undefined> => {
    for (;;) {
      const there = await findContainer(engine, name);
      if (there === undefined || there.started) return there;
      if (Date.now() - there.createdAt < MAKING_PATIENCE) await sleep(LOOK);
      else await removeUnstarted(engine, there.id);
    }
  };

  const find = async (ref: SandboxRef): Promise<{ engine: Engine; container: Container | undefined }> => {
    const address = addressOf(ref.id);
    const engine = await engines.of(address.engine);
    return { engine, container: await findContainer(engine, address.container) };
  };
  const nameOf = (ref: SandboxRef): string => addressOf(ref.id).container;

  return {
    name: NAME,
    traits: { locality: 'host', images: true },

    async create(spec) {
      const name = machineName(relay, spec.taskId);
      return inTurn(name, async () => {
        const engine = await engines.preferred();
        const there = await settled(engine, name);
        return there === undefined ? make(engine, name, spec) : wake(engine, there);
      });
    },

    resume: async (ref) =>
      inTurn(nameOf(ref), async () => {
        const { engine, container } = await find(ref);
        if (!container?.started) throw gone();
        return wake(engine, container);
      }),

    async state(ref) {
      const { container } = await find(ref);
      return container === undefined ? 'gone' : stateOf(container);
    },

    hibernate: async (ref) =>
      inTurn(nameOf(ref), async () => {
        const { engine, container } = await find(ref);
        if (container === undefined) return;
        await connections.end(container.id);
        await stop(engine, container);
        log(`sandbox ${container.name} hibernated`);
      }),

    destroy: async (ref) =>
      inTurn(nameOf(ref), async () => {
        const { engine, container } = await find(ref);
        if (container === undefined) return;
        await connections.end(container.id);
        await remove(engine, container.id);
        log(`sandbox ${container.name} destroyed`);
      }),

    async snapshot(ref, asked) {
      const name = snapshotName(relay, asked);
      return inTurn(nameOf(ref), async () => {
        const { engine, container } = await find(ref);
        if (!container?.started) throw gone();
        const snapshot = { provider: NAME, id: idOf({ engine: engine.kind, container: name }) };
        if ((await findContainer(engine, name)) !== undefined) return snapshot;
        await connections.end(container.id);
        await stop(engine, container);
        await takeSnapshot(engine, container, { name, relay });
        return snapshot;
      });
    },

    async deleteSnapshot(snapshot) {
      const { engine, container } = await find(snapshot);
      if (container !== undefined) await remove(engine, container.id);
    },

    keepAlive: async () => {},

    async list() {
      const engine = await engines.preferred();
      const found = (await findMachines(engine, relay)).filter(({ started }) => started);
      return found.map(({ name, taskId }) => ({
        ref: { provider: NAME, id: idOf({ engine: engine.kind, container: name }) },
        taskId,
      }));
    },

    close: () => connections.endAll(),
  };
}

function capsOf({ hasNetwork, limits }: Container): SandboxCaps {
  return {
    isolation: 'container',
    byteExactOutput: true,
    attach: true,
    network: hasNetwork ? 'open' : 'none',
    limits: { ...limits, disk: false },
  };
}

function takenOver(): SandboxError {
  return new SandboxError('busy', 'Somebody else removed the container while it was made.', {
    nextAction: 'Try again.',
  });
}

function gone(): SandboxError {
  return new SandboxError('lost', 'The container and its files are gone.', {
    nextAction: 'Start a new task; what was captured of this one can still be reviewed.',
  });
}
