import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { createQueues } from '../queues.ts';
import {
  type NetworkPolicy,
  type ProviderState,
  type Sandbox,
  type SandboxCaps,
  SandboxError,
  type SandboxProvider,
  type SandboxRef,
} from '../sandbox.ts';
import { ANSWER_PATIENCE, type Connection, greet, lost } from '../supervised/connection.ts';
import { createConnections } from '../supervised/connections.ts';
import { INSIDE } from '../supervised/places.ts';
import { supervisedSandbox } from '../supervised/sandbox.ts';
import type { HeldLimits } from './cgroup.ts';
import { createEgress } from './egress/client.ts';
import { keepServing } from './egress/keep.ts';
import { needsEgress } from './egress/policy.ts';
import type { Refusal } from './egress/refusals.ts';
import { knownSocket, launch } from './launch.ts';
import { discardUnnamedLayers, layersOf, snapshotFile } from './layers.ts';
import { isSandboxId, type Layout, layoutOf, type SandboxPlace, sandboxIdOf } from './layout.ts';
import { createLimiter } from './limiter.ts';
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

/** What is in force for a sandbox. Disk is always watched; memory too, where the kernel does not hold it. */
function capsOf(network: NetworkPolicy | undefined, { memory, cpus }: HeldLimits): SandboxCaps {
  return {
    isolation: 'namespaces',
    byteExactOutput: true,
    attach: true,
    network: network?.mode ?? 'none',
    limits: { processes: true, cpus, memory, disk: false },
  };
}

export interface LocalProvider extends SandboxProvider {
  /** What a running sandbox asked for and was not let reach, since its start; the process that keeps count keeps the first hundred. */
  refusals(ref: SandboxRef): Promise<Refusal[]>;
}

/**
 * Sandboxes on this machine: one bubblewrap and one small supervisor each, Linux only. They outlive the relay; another
 * relay process on the same data folder attaches to them and to the commands that run in them.
 *
 * What holds: an own user, mount, process, network, IPC, UTS and cgroup namespace; no network but its own loopback, where a
 * proxy and forwarded ports lead to what `network` allows, by way of the process in `egress/`; no file, open descriptor of
 * one, process, environment variable or socket of the host but a read-only toolchain (`/usr`, a few files of `/etc`, Node,
 * the folders in `readOnly`); no capability, no setuid, a system call filter; never the host's root; limits on processes,
 * open files, file size and memory-backed folders, and where control groups can be had on memory and CPU. `create` and
 * `resume` fail where the kernel does not confirm it.
 *
 * What does not, honestly:
 * - The kernel is shared, so a hole in it is a hole in this: one person's own machine, not hosting for strangers.
 * - What it has on disk is watched, and it is stopped past its limit or where it cannot be measured; so is memory where there is no
 *   control group, and CPU is then not limited. Files in memory (/tmp, memfd) and clean pages of files count as neither, nor does a
 *   file without a name that is only mapped, or is held by a process that hides its descriptors.
 * - A look at the disk comes every ten seconds, at memory every second, and more rarely where it would take more than a fiftieth of the
 *   time, thirty times as far apart at most. In between a sandbox can use what it gets, on disk anew after each of two resumptions; stopped
 *   a third time it is not started again by that relay until it has less. What was written before a snapshot counts no more.
 * - Nobody looks while no relay runs: a new one looks at all that run from its first `create`, `resume` or `list` on. Where two share
 *   a data folder both look, each counts its own stops, and what the other stopped is `lost` here and not `limit`.
 * - Under memory pressure the kernel kills a sandbox' processes first.
 * - After a snapshot, files below are copied when they are first written to: hard links between them part ways, and who is not
 *   root cannot rename folders from below in place (EXDEV; `mv` and npm copy, `git mv` of a folder fails). fsync does nothing then:
 *   what was written is lost with the machine's power, not with the sandbox.
 * - All in one sandbox is one user. A command can stop or impersonate its supervisor and spoil the records of commands;
 *   it then lies about its own sandbox, and the relay bounds and checks what it is told.
 * - A process that wiped its environment, left its session and lost its parent escapes `killAll` and timeouts, until the
 *   sandbox hibernates.
 * - The sandbox sees the version, name and load of the kernel, and the host paths of its own folders: they are in its mount
 *   table and in the command line of its first process.
 * - What a name that is allowed stands for is its owner's affair: whoever can write there can be told everything, and many names
 *   may be served by one address. Programs that know no HTTP proxy reach nothing. `open` is every public address, by proxy.
 * - /tmp is memory and is empty after hibernation. Toolchains in a home folder (nvm, pyenv, rustup) are visible only by `readOnly`.
 * - File names that are not UTF-8 are left out of search, and the file tools cannot name them; commands and Git can.
 */
export function createLocalProvider(
  options: LocalOptions & {
    /** Gets what happens to sandboxes, a line each. */
    log?: (line: string) => void;
  },
): LocalProvider {
  const log = options.log ?? (() => {});
  const patience = options.answerPatience ?? ANSWER_PATIENCE;
  const connections = createConnections();
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
  const program = options.egressPath ?? join(dirname(options.supervisorPath), 'egress.mjs');
  const runs = (id: string): boolean => livingProcess(place(id)) !== undefined;
  const egress = keepServing(createEgress({ program, log }), { runs, log });
  const limiter = createLimiter(options, layout, (at, first) => stopIfRunning(at, first), log);

  /** What is done to one sandbox is done in turn. */
  const inTurn = createQueues();

  const connectionTo = (at: SandboxPlace): Promise<Connection> =>
    connections.get(at.id, async () => {
      const path = knownSocket(at);
      if (path === undefined) throw lost('The sandbox is not running');
      return connect(path, patience);
    });

  const answers = async (at: SandboxPlace): Promise<boolean> => {
    try {
      await greet(await connectionTo(at), patience);
      return true;
    } catch {
      return false;
    }
  };

  const start = async (at: SandboxPlace, meta: Meta, shop: Workshop): Promise<void> => {
    await limiter.admit(at, meta.resources);
    const began = performance.now();
    await connections.end(at.id);
    settle(layout, at, meta);
    limiter.forgive(at.id);
    const confine = (command: string[]): string[] => limiter.confine(at.id, meta.resources, command);
    await egress.serve(at, meta.network, shop.egress);
    connections.put(at.id, await launch(shop, at, meta, confine));
    log(`sandbox ${at.id} started in ${Math.round(performance.now() - began)} ms`);
  };

  /** Once in each relay's life: an earlier relay's watch ended with it, and what that had started went on. */
  let isWatchingAll = false;
  const watchAll = (): void => {
    if (isWatchingAll) return;
    isWatchingAll = true;
    for (const { at, meta } of everySandbox(layout))
      if (livingProcess(at) !== undefined) limiter.watch(at, meta.resources);
  };

  /** Started where it does not run; where it does, what connects it to the network may have died. */
  const bringUp = async (at: SandboxPlace, meta: Meta): Promise<Sandbox> => {
    watchAll();
    if (!(await answers(at))) await start(at, meta, await workshop());
    else if (needsEgress(meta.network)) await egress.serve(at, meta.network, (await workshop()).egress);
    return handle(at, meta);
  };

  const wholeMeta = (at: SandboxPlace): Meta => {
    const meta = readMeta(at);
    if (meta === undefined || !isWhole(layout, at, meta)) throw damaged();
    return meta;
  };

  const stop = async (at: SandboxPlace): Promise<void> => {
    // Dead first: a call that comes meanwhile would else connect anew to what is about to die.
    if (fs.existsSync(at.root)) await killSandbox(at);
    await connections.end(at.id);
    await limiter.release(at.id);
  };
  const stopIfRunning = (at: SandboxPlace, first: () => void): Promise<void> =>
    inTurn(at.id, async () => {
      if (livingProcess(at) === undefined) return;
      first();
      await stop(at);
    });

  const handle = (at: SandboxPlace, { network, resources }: Meta): Sandbox => {
    limiter.watch(at, resources);
    const sandbox = supervisedSandbox({
      ref: { provider: 'local', id: at.id },
      caps: capsOf(network, limiter.held(at.id)),
      places: INSIDE,
      connection: () => limiter.explained(at, resources, () => connectionTo(at)),
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
        return bringUp(at, wholeMeta(at));
      });
    },

    resume: (ref) =>
      inTurn(ref.id, async () => {
        const at = place(ref.id);
        return bringUp(at, wholeMeta(at));
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
        await stop(at);
        log(`sandbox ${at.id} hibernated`);
      }),

    destroy: (ref) =>
      inTurn(ref.id, async () => {
        const at = place(ref.id);
        await stop(at);
        limiter.forget(at.id);
        if (fs.existsSync(at.root)) {
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
          await stop(at);
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

    async refusals(ref) {
      const at = place(ref.id);
      const network = readMeta(at)?.network;
      return needsEgress(network) ? egress.refusals(at, (await workshop()).egress) : [];
    },

    async list() {
      watchAll();
      return everySandbox(layout).map(({ at, meta }) => ({
        ref: { provider: 'local', id: at.id },
        taskId: meta.taskId,
      }));
    },

    async close() {
      limiter.close();
      egress.close();
      await connections.endAll();
    },
  };
}

/** Those whose record can be read. */
function everySandbox({ sandboxes, place }: Layout): Array<{ at: SandboxPlace; meta: Meta }> {
  if (!fs.existsSync(sandboxes)) return [];
  return fs
    .readdirSync(sandboxes)
    .filter(isSandboxId)
    .flatMap((id) => {
      const at = place(id);
      const meta = readMeta(at);
      return meta === undefined ? [] : [{ at, meta }];
    });
}

function damaged(): SandboxError {
  return new SandboxError('lost', 'The sandbox and its files are gone, or are not complete.', {
    nextAction: 'Start a new task; what was captured of this one can still be reviewed.',
  });
}
