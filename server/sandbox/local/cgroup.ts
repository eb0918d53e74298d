import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAbsent } from './meta.ts';

const CONTROLLERS = ['memory', 'pids', 'cpu'] as const;
type Controller = (typeof CONTROLLERS)[number];

/** Microseconds over which `cpu.max` counts. */
const CPU_PERIOD = 100_000;
/** How long the kernel may take to let go of a group whose processes are dead, and how often we ask, in milliseconds. */
const REMOVAL_PATIENCE = 1_000;
const REMOVAL_PACE = 10;

export interface GroupLimits {
  memoryMiB: number;
  cpus: number | undefined;
  processes: number;
}

/** Which of a sandbox's limits the kernel holds. */
export interface HeldLimits {
  memory: boolean;
  cpus: boolean;
}

/** Control groups (version 2) for sandboxes, one each, by id. */
export interface Cgroups {
  /** Makes the group anew. @returns the command that runs `command` in it */
  confine(id: string, limits: GroupLimits, command: string[]): string[];
  held(id: string): HeldLimits;
  /** Whether the kernel killed the sandbox, the last time that it ran, because it was out of memory. */
  ranOutOfMemory(id: string): boolean;
  /** Removes the group of a sandbox that is dead. Idempotent; what cannot be removed yet is the next time. */
  remove(id: string): Promise<void>;
}

export interface CgroupPlaces {
  /** Where control groups are mounted. */
  mount: string;
  /** What `/proc/self/cgroup` says. */
  self: string;
  removeFolder(path: string): void;
}

export function thisCgroup(): CgroupPlaces {
  const self = (): string => {
    try {
      return fs.readFileSync('/proc/self/cgroup', 'utf8');
    } catch {
      return '';
    }
  };
  return { mount: '/sys/fs/cgroup', self: self(), removeFolder: (path) => fs.rmdirSync(path) };
}

/**
 * The nearest place, from this process's own group upwards, where the kernel lets us make groups with a limit of memory: the
 * service manager's delegation for an ordinary user, the slice of the service or the top for root. A group with processes in it
 * cannot hand controllers on, so the own one mostly is not it. Undefined where there is none: limits are then watched.
 */
export function findCgroups(
  dataDir: string,
  { mount, self, removeFolder }: CgroupPlaces,
): Cgroups | undefined {
  const top = [mount, `${mount}/unified`].find((path) => fs.existsSync(`${path}/cgroup.controllers`));
  const own = /^0::(\/.*)$/m.exec(self)?.[1];
  // Outside of what is mounted here it cannot be found.
  if (top === undefined || own === undefined || own.includes('..')) return undefined;
  const names = own.split('/').filter((name) => name !== '');
  for (let depth = names.length; depth >= 0; depth -= 1) {
    const at = [top, ...names.slice(0, depth)].join('/');
    const controllers = delegated(at, at === top);
    const base = controllers.includes('memory') ? handOn(`${at}/handoff`, controllers) : undefined;
    if (base !== undefined) return groupsIn(base, controllers, dataDir, removeFolder);
  }
  return undefined;
}

/** What groups below this one can limit, switched on where that is possible. */
function delegated(at: string, isTop: boolean): Controller[] {
  try {
    for (const path of [at, `${at}/cgroup.procs`, `${at}/cgroup.subtree_control`]) {
      fs.accessSync(path, fs.constants.W_OK);
    }
    const handedOn = namesIn(`${at}/cgroup.subtree_control`);
    const missing = namesIn(`${at}/cgroup.controllers`).filter((name) => !handedOn.includes(name));
    if (missing.length === 0 || !(isTop || isEmpty(at))) return handedOn;
    return [...handedOn, ...missing.filter((name) => switchOn(at, name))];
  } catch {
    return [];
  }
}

function handOn(base: string, controllers: Controller[]): string | undefined {
  try {
    fs.mkdirSync(base, { recursive: true });
    return controllers.every((name) => switchOn(base, name)) ? base : undefined;
  } catch {
    return undefined;
  }
}

function switchOn(at: string, controller: Controller): boolean {
  try {
    fs.appendFileSync(`${at}/cgroup.subtree_control`, `+${controller} `);
    return true;
  } catch {
    return false;
  }
}

function namesIn(file: string): Controller[] {
  const names = fs.readFileSync(file, 'utf8').split(/\s+/);
  return CONTROLLERS.filter((name) => names.includes(name));
}

const isEmpty = (at: string): boolean => fs.readFileSync(`${at}/cgroup.procs`, 'utf8').trim() === '';

function groupsIn(
  base: string,
  controllers: Controller[],
  dataDir: string,
  removeFolder: CgroupPlaces['removeFolder'],
): Cgroups {
  // Relays with other data folders may have sandboxes of the same id.
  const ours = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
  const group = (id: string): string => `${base}/${ours}.${id}`;
  const read = (id: string, file: string): string | undefined => {
    try {
      return fs.readFileSync(`${group(id)}/${file}`, 'utf8');
    } catch {
      return undefined;
    }
  };
  /** @returns whether it is gone */
  const tryRemove = (id: string): boolean => {
    try {
      removeFolder(group(id));
      return true;
    } catch (error) {
      return isAbsent(error);
    }
  };
  return {
    confine(id, { memoryMiB, cpus, processes }, command) {
      tryRemove(id);
      fs.mkdirSync(group(id), { recursive: true });
      const set = (file: string, value: string): void => fs.writeFileSync(`${group(id)}/${file}`, value);
      set('memory.max', String(memoryMiB * 2 ** 20));
      // The whole sandbox goes, its supervisor too: half of one would answer nonsense. Not all kernels have both.
      for (const [file, value] of [
        ['memory.oom.group', '1'],
        ['memory.swap.max', '0'],
      ] as const) {
        try {
          set(file, value);
        } catch {
          // Without it memory.max holds nevertheless.
        }
      }
      if (controllers.includes('pids')) set('pids.max', String(processes));
      if (controllers.includes('cpu') && cpus !== undefined)
        set('cpu.max', `${Math.max(1_000, Math.round(cpus * CPU_PERIOD))} ${CPU_PERIOD}`);
      const enter = 'echo 0 >"$1" && shift && exec "$@"';
      return ['/bin/sh', '-c', enter, 'sh', `${group(id)}/cgroup.procs`, ...command];
    },
    held: (id) => ({
      memory: /^\d/.test(read(id, 'memory.max') ?? ''),
      cpus: /^\d/.test(read(id, 'cpu.max') ?? ''),
    }),
    ranOutOfMemory: (id) => /^oom_(group_)?kill [1-9]/m.test(read(id, 'memory.events') ?? ''),
    async remove(id) {
      for (const deadline = Date.now() + REMOVAL_PATIENCE; !tryRemove(id) && Date.now() < deadline; )
        await sleep(REMOVAL_PACE);
    },
  };
}
