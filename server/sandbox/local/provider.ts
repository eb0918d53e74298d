import fs from 'node:fs';
import {
  type ProviderState,
  type Sandbox,
  type SandboxCaps,
  SandboxError,
  type SandboxProvider,
  type SandboxRef,
} from '../sandbox.ts';
import { ANSWER_PATIENCE, type Connection, greet, lost } from '../supervised/connection.ts';
import { INSIDE } from '../supervised/places.ts';
import { supervisedSandbox } from '../supervised/sandbox.ts';
import { knownSocket, launch } from './launch.ts';
import { discardUnnamedLayers, layersOf, snapshotFile } from './layers.ts';
import { isSandboxId, layoutOf, type SandboxPlace, sandboxIdOf } from './layout.ts';
import { whileAsleep } from './lock.ts';
import { checkSpec, makeSandbox } from './make.ts';
import { isWhole, type Meta, readMeta, settle } from './meta.ts';
import { verifyOverlay } from './overlay.ts';
import { type LocalOptions, prepare, type Workshop } from './prepare.ts';
import { verifyIsolation } from './probe.ts';
import { killSandbox, livingProcess } from './process.ts';
import { emptyTrash } from './remove.ts';
import { takeSnapshot } from './snapshots.ts';
import { connect } from './socket.ts';
import { checkedToolchains, withToolchains } from './toolchains.ts';

const LOCAL_CAPS: SandboxCaps = {
  isolation: 'namespaces',
  byteExactOutput: true,
  attach: true,
  network: 'none',
  limits: { processes: true, cpus: false, memory: false, disk: false },
};

/**
 * Sandboxes on this machine: one bubblewrap and one small supervisor each, Linux only. They outlive the relay; another
 * relay process on the same data folder attaches to them and to the commands that run in them.
 *
 * What holds: an own user, mount, process, network, IPC, UTS and cgroup namespace; no network but its own loopback; no
 * file, open descriptor of one, process, environment variable or socket of the host but a read-only toolchain (`/usr`, a
 * few files of `/etc`, Node); no capability, no setuid, a system call filter; never the host's root; limits on processes,
 * open files, file size and memory-backed folders. `create` and `resume` fail where the kernel does not confirm it.
 *
 * What does not, honestly:
 * - The kernel is shared, so a hole in it is a hole in this: one person's own machine, not hosting for strangers.
 * - Memory, CPU and the disk used below the workspace, home and scratch are not limited. Under memory pressure the kernel
 *   kills a sandbox' processes first.
 * - All in one sandbox is one user. A command can stop or impersonate its supervisor and spoil the records of commands;
 *   it then lies about its own sandbox, and the relay bounds and checks what it is told.
 * - A process that wiped its environment, left its session and lost its parent escapes `killAll` and timeouts, until the
 *   sandbox hibernates.
 * - The sandbox sees the version, name and load of the kernel, and the host paths of its own folders: they are in its mount
 *   table and in the command line of its first process.
 * - /tmp is memory and is empty after hibernation. Toolchains in a home folder (nvm, pyenv, rustup) are not visible.
 * - File names that are not UTF-8 are left out of search, and the file tools cannot name them; commands and Git can.
 */
export function createLocalProvider(
  options: LocalOptions & {
    /** Gets what happens to sandboxes, a line each. */
    log?: (line: string) => void;
  },
): SandboxProvider {
  const log = options.log ?? (() => {});
  const patience = options.answerPatience ?? ANSWER_PATIENCE;
  const connections = new Map<string, Promise<Connection>>();
  const queues = new Map<string, Promise<unknown>>();
  let isolated: Promise<void> | undefined;

  /** Nothing is started before isolation was seen to work, once in each relay's life. */
  const workshop = async (): Promise<Workshop> => {
    const ready = await prepare(options);
    isolated ??= verifyIsolation(ready);
    await isolated.catch((error: unknown) => {
      isolated = undefined;
      throw error;
    });
    return ready;
  };

  /** Found out when it is first needed: a start does not wait for it. */
  let overlaid: Promise<boolean> | undefined;
  const overlays = (shop: Workshop): Promise<boolean> => {
    overlaid ??= (options.overlays === false ? Promise.resolve(false) : verifyOverlay(shop)).then((can) => {
      if (!can) log('this machine does not lay folders upon each other: snapshots of sandboxes are copies');
      return can;
    });
    overlaid.catch(() => {
      overlaid = undefined;
    });
    return overlaid;
  };

  fs.mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const layout = layoutOf(fs.realpathSync(options.dataDir));
  const { place } = layout;

  /** What is done to one sandbox is done in turn. */
  const inTurn = <Result>(id: string, work: () => Promise<Result>): Promise<Result> => {
    const result = (queues.get(id) ?? Promise.resolve()).then(work, work);
    queues.set(id, result);
    const forget = (): void => {
      if (queues.get(id) === result) queues.delete(id);
    };
    result.then(forget, forget);
    return result;
  };

  /** One connection to each sandbox, shared by all who ask while it is being made. */
  const connectionTo = async (at: SandboxPlace): Promise<Connection> => {
    const shared = connections.get(at.id);
    if (shared !== undefined) {
      const current = await shared.catch(() => undefined);
      if (current !== undefined && !current.closed) return current;
      if (connections.get(at.id) === shared) connections.delete(at.id);
      return connectionTo(at);
    }
    const path = knownSocket(at);
    if (path === undefined) throw lost('The sandbox is not running');
    const opening = connect(path, patience);
    connections.set(at.id, opening);
    return opening;
  };
  const disconnect = async (id: string): Promise<void> => {
    const current = await connections.get(id)?.catch(() => undefined);
    connections.delete(id);
    current?.close();
  };

  const answers = async (at: SandboxPlace): Promise<boolean> => {
    try {
      await greet(await connectionTo(at), patience);
      return true;
    } catch {
      return false;
    }
  };

  const start = async (at: SandboxPlace, meta: Meta, shop: Workshop): Promise<void> => {
    const began = performance.now();
    await disconnect(at.id);
    settle(layout, at, meta);
    connections.set(at.id, Promise.resolve(await launch(shop, at, meta)));
    log(`sandbox ${at.id} started in ${Math.round(performance.now() - began)} ms`);
  };

  const wholeMeta = (at: SandboxPlace): Meta => {
    const meta = readMeta(at);
    if (meta === undefined || !isWhole(layout, at, meta)) throw damaged();
    return meta;
  };

  const handle = (at: SandboxPlace, { network }: Meta): Sandbox => {
    const sandbox = supervisedSandbox({
      ref: { provider: 'local', id: at.id },
      caps: { ...LOCAL_CAPS, network: network?.mode ?? 'none' },
      places: INSIDE,
      connection: () => connectionTo(at),
    });
    return withToolchains(sandbox, checkedToolchains(options));
  };

  return {
    name: 'local',
    traits: { locality: 'host', images: false },

    /** A task has one sandbox: created again, after a crash of the relay perhaps, it is the one that is there. */
    async create(spec) {
      checkSpec(spec);
      const id = sandboxIdOf(spec.taskId);
      return inTurn(id, async () => {
        const shop = await workshop();
        const at = shop.layout.place(id);
        if (!fs.existsSync(at.root)) await makeSandbox(shop, at, spec, () => overlays(shop));
        const meta = wholeMeta(at);
        if (!(await answers(at))) await start(at, meta, shop);
        return handle(at, meta);
      });
    },

    resume: (ref) =>
      inTurn(ref.id, async () => {
        const at = place(ref.id);
        const meta = wholeMeta(at);
        if (!(await answers(at))) await start(at, meta, await workshop());
        return handle(at, meta);
      }),

    async state(ref: SandboxRef): Promise<ProviderState> {
      const at = place(ref.id);
      if (!fs.existsSync(at.root)) return 'gone';
      const meta = readMeta(at);
      if (meta === undefined || !isWhole(layout, at, meta)) return 'failed';
      if (livingProcess(at) === undefined) return 'hibernated';
      return (await answers(at)) ? 'running' : 'failed';
    },

    hibernate: (ref) =>
      inTurn(ref.id, async () => {
        const at = place(ref.id);
        await disconnect(at.id);
        if (fs.existsSync(at.root)) await killSandbox(at);
        log(`sandbox ${at.id} hibernated`);
      }),

    destroy: (ref) =>
      inTurn(ref.id, async () => {
        const at = place(ref.id);
        await disconnect(at.id);
        if (fs.existsSync(at.root)) {
          await killSandbox(at);
          const socket = knownSocket(at);
          if (socket !== undefined) fs.rmSync(socket, { force: true });
          // Gone in one step; the files follow, now or after a crash the next time.
          fs.mkdirSync(layout.trash, { recursive: true });
          fs.renameSync(at.root, `${layout.trash}/${at.id}.${process.hrtime.bigint()}`);
          log(`sandbox ${at.id} destroyed`);
        }
        discardUnnamedLayers(layout);
        await emptyTrash(layout.trash);
      }),

    /** It is a stop: what holds for it is what was on the disk when its processes had ended. */
    snapshot: (ref, name) =>
      inTurn(ref.id, async () => {
        const at = place(ref.id);
        if (layersOf(layout, name) === undefined) {
          wholeMeta(at);
          const shop = await workshop();
          const overlaid = await overlays(shop);
          const began = performance.now();
          await disconnect(at.id);
          await killSandbox(at);
          await whileAsleep(shop, at, () => takeSnapshot(shop, at, wholeMeta(at), name, overlaid));
          discardUnnamedLayers(layout);
          await emptyTrash(layout.trash);
          log(`sandbox ${at.id} kept as ${name} in ${Math.round(performance.now() - began)} ms`);
        }
        return { provider: 'local', id: name };
      }),

    async deleteSnapshot(snapshot) {
      fs.rmSync(snapshotFile(layout, snapshot.id), { force: true });
      discardUnnamedLayers(layout);
      await emptyTrash(layout.trash);
    },

    keepAlive: async () => {},

    async list() {
      if (!fs.existsSync(layout.sandboxes)) return [];
      return fs
        .readdirSync(layout.sandboxes)
        .filter(isSandboxId)
        .flatMap((id) => {
          const meta = readMeta(place(id));
          return meta === undefined ? [] : [{ ref: { provider: 'local', id }, taskId: meta.taskId }];
        });
    },

    async close() {
      await Promise.all([...connections.keys()].map(disconnect));
    },
  };
}

function damaged(): SandboxError {
  return new SandboxError('lost', 'The sandbox and its files are gone, or are not complete.', {
    nextAction: 'Start a new task; what was captured of this one can still be reviewed.',
  });
}
