import { release } from 'node:os';
import { SandboxError, type SandboxResources } from '../sandbox.ts';
import type { Connection } from '../supervised/connection.ts';
import { processLimit } from './bwrap.ts';
import { findCgroups, type HeldLimits, thisCgroup } from './cgroup.ts';
import { examineHost, type Host, thisHost } from './host.ts';
import type { Layout, SandboxPlace } from './layout.ts';
import { createDiskWatch, createStrikes, limitsOf, overLimit, type WatchedLimits } from './limits.ts';
import type { LocalOptions } from './prepare.ts';
import { livingProcess } from './process.ts';
import { diskOf, memoryOf } from './usage.ts';
import { createWatch } from './watch.ts';

const DEFAULT_PACE = { memory: 1_000, disk: 10_000 };
/** What is in a sandbox' control group besides the sandbox: those that wait for it, and those that start it. */
const PROCESSES_OUTSIDE = 16;

/** Holds running sandboxes to their limits: by the kernel where control groups can be had, else by looking. */
export interface Limiter {
  /** The command that runs a sandbox' start within its limits. */
  confine(id: string, resources: SandboxResources | undefined, command: string[]): string[];
  held(id: string): HeldLimits;
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
  const lookAtDisk = async (signal: AbortSignal): Promise<boolean> => {
    const ids = [...running().keys()];
    if (ids.length === 0) return false;
    host ??= await examineHost(thisHost());
    for (const id of ids) {
      const one = watched.get(id);
      const used = one && (await diskOf(host, one.at.root, signal));
      if (one === undefined || used === undefined) continue;
      if (disk.isOver(id, used, one.limits.disk))
        await strike(one.at, overLimit('disk', one.limits.disk, used));
    }
    return true;
  };
  const failed = (error: unknown): void =>
    log(`what sandboxes use cannot be measured: ${error instanceof Error ? error.message : error}`);
  const watches = [
    createWatch(pace.memory, lookAtMemory, failed),
    createWatch(pace.disk, lookAtDisk, failed),
  ];

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
    watch(at, resources) {
      watched.set(at.id, { at, limits: limitsOf(resources) });
      for (const watch of watches) watch.wake();
    },
    forgive: (id) => strikes.forget(id),
    release: async (id) => {
      watched.delete(id);
      await cgroups?.remove(id);
    },
    forget(id) {
      strikes.forget(id);
      disk.forget(id);
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
      for (const watch of watches) watch.close();
    },
  };
}
