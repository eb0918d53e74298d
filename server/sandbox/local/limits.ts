import { totalmem } from 'node:os';
import { SandboxError, type SandboxResources } from '../sandbox.ts';

/** MiB. Memory is the person's own besides: half of a small machine is left to it. */
const DEFAULT_MEMORY = 4_096;
const DEFAULT_DISK = 20_480;

/**
 * How much, in MiB, a sandbox that was stopped for what it has on disk may write after it was resumed, beyond the least that it had
 * since: deleting takes some room too.
 */
const GRACE = 256;

/** In MiB. */
export interface WatchedLimits {
  memory: number;
  disk: number;
}

export function limitsOf(resources: SandboxResources | undefined): WatchedLimits {
  return {
    memory: resources?.memoryMiB ?? Math.min(DEFAULT_MEMORY, Math.floor(totalmem() / 2 ** 21)),
    disk: resources?.diskMiB ?? DEFAULT_DISK,
  };
}

const WORDS = {
  memory: { what: 'of memory', setting: 'HANDOFF_SANDBOX_MEMORY_MIB', less: 'run fewer things at once' },
  disk: { what: 'on disk', setting: 'HANDOFF_SANDBOX_DISK_MIB', less: 'delete what is not needed' },
} as const;

/** @param used MiB; absent where only the kernel has seen it */
export function overLimit(kind: keyof WatchedLimits, limit: number, used?: number): SandboxError {
  const { what, setting, less } = WORDS[kind];
  const so = used === undefined ? 'more than it may' : `${Math.ceil(used)} MiB`;
  return new SandboxError(
    'limit',
    `The sandbox was stopped because it used ${so} ${what}; its limit is ${limit} MiB. Its files are kept.`,
    { nextAction: `Resume it and ${less}, or set ${setting} to more and start a new task.` },
  );
}

/** Decides about what sandboxes have on disk; remembers those that had too much, so that they can be resumed to mend it. */
export interface DiskWatch {
  /** Whether a sandbox has to be stopped. */
  isOver(id: string, used: number, limit: number): boolean;
  forget(id: string): void;
}

export function createDiskWatch(): DiskWatch {
  /** The least that each had since it was stopped for having too much. */
  const overdrawn = new Map<string, number>();
  return {
    isOver(id, used, limit) {
      if (used <= limit) {
        overdrawn.delete(id);
        return false;
      }
      const least = overdrawn.get(id);
      const isOver = least === undefined || used > least + GRACE;
      // Stopped, it begins anew with what it has then: else it could never be resumed to delete some of that.
      overdrawn.set(id, isOver ? used : Math.min(used, least));
      return isOver;
    },
    forget: (id) => void overdrawn.delete(id),
  };
}

/** Why sandboxes were stopped, until somebody was told. */
export interface Strikes {
  add(id: string, why: SandboxError): void;
  has(id: string): boolean;
  /** For a call that failed because of it: every one of them is told. */
  get(id: string): SandboxError | undefined;
  /** For the next call: told once, and only if no call was told before. */
  take(id: string): SandboxError | undefined;
  forget(id: string): void;
}

export function createStrikes(): Strikes {
  const strikes = new Map<string, { why: SandboxError; told: boolean }>();
  const tell = (id: string): SandboxError | undefined => {
    const strike = strikes.get(id);
    if (strike !== undefined) strike.told = true;
    return strike?.why;
  };
  return {
    add: (id, why) => void strikes.set(id, { why, told: false }),
    has: (id) => strikes.has(id),
    get: tell,
    take: (id) => (strikes.get(id)?.told === false ? tell(id) : undefined),
    forget: (id) => void strikes.delete(id),
  };
}
