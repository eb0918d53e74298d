import { totalmem } from 'node:os';
import { SandboxError, type SandboxResources } from '../sandbox.ts';
import type { DiskLook, DiskUse } from './disk.ts';

/** MiB. Memory is the person's own besides: half of a small machine is left to it. */
const DEFAULT_MEMORY = 4_096;
const DEFAULT_DISK = 20_480;

/** Empty ones take no room that `du` counts, and make every look longer. */
const MOST_FILES = 2_000_000;

export interface WatchedLimits {
  /** MiB. */
  memory: number;
  /** MiB. */
  disk: number;
  /** Files and folders. */
  files: number;
}

export function limitsOf(resources: SandboxResources | undefined): WatchedLimits {
  return {
    memory: resources?.memoryMiB ?? Math.min(DEFAULT_MEMORY, Math.floor(totalmem() / 2 ** 21)),
    disk: resources?.diskMiB ?? DEFAULT_DISK,
    files: MOST_FILES,
  };
}

const WORDS = {
  memory: { unit: 'MiB', what: 'of memory', less: 'run fewer things at once', setting: 'MEMORY_MIB' },
  disk: { unit: 'MiB', what: 'on disk', less: 'delete what is not needed', setting: 'DISK_MIB' },
  files: { unit: 'files', what: 'and folders', less: 'delete what is not needed', setting: undefined },
} as const;

/** @param used absent where only the kernel has seen it */
export function overLimit(kind: keyof WatchedLimits, limit: number, used?: number): SandboxError {
  const { unit, what, less, setting } = WORDS[kind];
  const so = used === undefined ? 'more than it may' : `${Math.ceil(used)} ${unit}`;
  const more =
    setting === undefined ? '' : `, or set HANDOFF_SANDBOX_${setting} to more and start a new task`;
  return stopped(`it used ${so} ${what}; its limit is ${limit} ${unit}`, `${less}${more}`);
}

/** What it has on disk cannot be watched, which could be its own doing. */
export function unseen(look: Exclude<DiskLook, DiskUse>): SandboxError {
  const why = look === undefined ? 'could not be measured' : 'took too long to measure';
  return stopped(`what it has on disk ${why}`, 'delete what is not needed, many small files above all');
}

function stopped(why: string, next: string): SandboxError {
  return new SandboxError('limit', `The sandbox was stopped because ${why}. Its files are kept.`, {
    nextAction: `Resume it and ${next}.`,
  });
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
