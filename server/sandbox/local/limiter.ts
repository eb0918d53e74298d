import { release } from 'node:os';
import { SandboxError, type SandboxResources } from '../sandbox.ts';
import type { Connection } from '../supervised/connection.ts';
import { processLimit } from './bwrap.ts';
import { findCgroups, type HeldLimits, thisCgroup } from './cgroup.ts';
import { type DiskLook, diskOf } from './disk.ts';
import { examineHost, type Host, thisHost } from './host.ts';
import type { Layout, SandboxPlace } from './layout.ts';
import { createStrikes, limitsOf, overLimit, type WatchedLimits } from './limits.ts';
import { barred, createDiskWatch, isWithin } from './overdraft.ts';
import type { LocalOptions } from './prepare.ts';
import { livingProcess } from './process.ts';
import { memoryOf } from './usage.ts';
import { createWatch, type Watch } from './watch.ts';

const DEFAULT_PACE = { memory: 1_000, disk: 10_000 };
/** What is in a sandbox' control group besides the sandbox: those that wait for it, and those that start it. */
const PROCESSES_OUTSIDE = 16;

/** Holds running sandboxes to their limits: by the kernel where control groups can be had, else by looking. */
export interface Limiter {
  /** The command that runs a sandbox' start within its limits. */
  confine(id: string, resources: SandboxResources | undefined, command: string[]): string[];
  held(id: string): HeldLimits;
  /** @throws SandboxError `limit` where it went past its limit too often, and did not come back */
  admit(at: SandboxPlace, resources: SandboxResources | undefined): Promise<void>;
  /** The sandbox runs, and is used from here. */
  watch(at: SandboxPlace, resources: SandboxResources | undefined): void;
  /** It was started anew: what stopped it is over. */
  forgive(id: string): void;
  /** It does not run any more. */
  release(id: string): Promise<void>;
  forget(id: string): void;
  /** The connection that `connect` gives, whose failures say so where the sandbox was stopped for a limit. */
  explained(
    at: SandboxPlace,
    resources: SandboxResources | undefined,
    connect: () => Promise<Connection>,
  ): Promise<Connection>;
  close(): void;
}

/**
 * @param stop stops a sandbox if it still runs, in turn with what else is done to it; `first` is called right before
 */
export function createLimiter(
  options: LocalOptions,
  layout: Layout,
  stop: (at: SandboxPlace, first: () => void) => Promise<void>,
  log: (line: string) => void,
): Limiter {
  const cgroups = findCgroups(layout.sandboxes, options.cgroups ?? thisCgroup());
  const pace = options.watchPace ?? DEFAULT_PACE;
  const watched = new Map<string, { at: SandboxPlace; limits: WatchedLimits }>();
  const strikes = createStrikes();
  const disk = createDiskWatch();
  let host: Host | undefined;

  /** The first process of each that still runs. */
  const running = (): Map<string, number> => {
    const found = new Map<string, number>();
    for (const [id, { at }] of watched) {
      const pid = livingProcess(at);
      if (pid === undefined) watched.delete(id);
      else found.set(id, pid);
    }
    return found;
  };
  const limitsFor = (id: string): WatchedLimits => watched.get(id)?.limits ?? limitsOf(undefined);

  const strike = async (at: SandboxPlace, why: SandboxError): Promise<void> => {
    await stop(at, () => {
      watched.delete(at.id);
      strikes.add(at.id, why);
      log(`sandbox ${at.id}: ${why.message}`);
    });
    if (strikes.has(at.id)) options.onLimit?.({ provider: 'local', id: at.id }, why.message);
  };

  const failed = (error: unknown): void =>
    log(`what sandboxes use cannot be measured: ${error instanceof Error ? error.message : error}`);

  const lookAtMemory = async (): Promise<boolean> => {
    const first = running();
    if (first.size === 0) return false;
    for (const [id, used] of await memoryOf(first, (id) => limitsFor(id).memory)) {
      const one = watched.get(id);
      if (one !== undefined && used > one.limits.memory)
        await strike(one.at, overLimit('memory', one.limits.memory, used));
    }
    return true;
  };
  /** It has a watch of its own: who has so much that looking takes long delays no look at another. */
  const lookAtDisk = async (id: string, signal: AbortSignal): Promise<boolean> => {
    const at = watched.get(id)?.at;
    if (at === undefined || livingProcess(at) === undefined) return false;
    const look = await measure(at, signal).catch((error: unknown) => void failed(error));
    const limits = watched.get(id)?.limits;
    if (limits === undefined || signal.aborted || livingProcess(at) === undefined) return false;
    if (look === undefined) log(`sandbox ${id}: what it has on disk cannot be measured`);
    const why = disk.judge(id, look, limits);
    if (why !== undefined) await strike(at, why);
    return true;
  };
  const measure = async (at: SandboxPlace, signal: AbortSignal): Promise<DiskLook> => {
    host ??= await examineHost(thisHost());
    return diskOf(host, at.root, livingProcess(at), signal);
  };
  const memoryWatch = createWatch(pace.memory, lookAtMemory, failed);
  const diskWatches = new Map<string, Watch>();
  const closing = new AbortController();

  /** A limit that the kernel held, and of which nobody has been told. */
  const noticeKernel = (at: SandboxPlace, { memory }: WatchedLimits): void => {
    if (strikes.has(at.id) || cgroups?.ranOutOfMemory(at.id) !== true) return;
    const why = overLimit('memory', memory);
    strikes.add(at.id, why);
    options.onLimit?.({ provider: 'local', id: at.id }, why.message);
  };

  return {
    confine(id, resources, command) {
      if (cgroups === undefined) return command;
      const processes = processLimit(release()) + PROCESSES_OUTSIDE;
      const limits = { memoryMiB: limitsOf(resources).memory, cpus: resources?.cpus, processes };
      return cgroups.confine(id, limits, command);
    },
    held: (id) => cgroups?.held(id) ?? { memory: false, cpus: false },
    async admit(at, resources) {
      if (!disk.isBarred(at.id)) return;
      const limits = limitsOf(resources);
      const look = await measure(at, closing.signal);
      if (look === undefined || look === 'too-long' || !isWithin(look, limits)) throw barred(at.id, limits);
      disk.forget(at.id);
    },
    watch(at, resources) {
      if (closing.signal.aborted) return;
      watched.set(at.id, { at, limits: limitsOf(resources) });
      memoryWatch.wake();
      const look = (signal: AbortSignal): Promise<boolean> => lookAtDisk(at.id, signal);
      const diskWatch = diskWatches.get(at.id) ?? createWatch(pace.disk, look, failed);
      diskWatches.set(at.id, diskWatch);
      diskWatch.wake();
    },
    forgive: (id) => strikes.forget(id),
    release: async (id) => {
      watched.delete(id);
      await cgroups?.remove(id);
    },
    forget(id) {
      strikes.forget(id);
      disk.forget(id);
      diskWatches.get(id)?.close();
      diskWatches.delete(id);
    },
    async explained(at, resources, connect) {
      /** Says what a loss was, where a limit was it, by `find`. */
      const explaining = async <Result>(
        find: (id: string) => SandboxError | undefined,
        work: () => Promise<Result>,
      ): Promise<Result> => {
        try {
          return await work();
        } catch (error) {
          if (!(error instanceof SandboxError) || error.code !== 'lost') throw error;
          noticeKernel(at, limitsOf(resources));
          throw find(at.id) ?? error;
        }
      };
      const untold = strikes.take(at.id);
      if (untold !== undefined) throw untold;
      const connection = await explaining(strikes.take, connect);
      return {
        get closed() {
          return connection.closed;
        },
        close: () => connection.close(),
        // What was under way is told, however many calls that are.
        call: (...call) => explaining(strikes.get, () => connection.call(...call)),
        connect: (...to) => explaining(strikes.get, () => connection.connect(...to)),
      };
    },
    close() {
      closing.abort();
      for (const watch of [memoryWatch, ...diskWatches.values()]) watch.close();
    },
  };
}
