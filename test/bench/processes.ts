import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchRelay } from './relay.ts';

/** Memory of a group of processes in MiB. Of pages that several share, `pss` counts each process's part, and `rss` all for each. */
export interface Memory {
  processes: number;
  pss: number;
  rss: number;
}

export interface RelayMemory {
  relay: Memory;
  postgres: Memory;
  sandboxes: Memory;
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** Milliseconds in a tick of the kernel's clock as it tells it to programs: 100 Hz wherever Node runs. */
const TICK_MS = 10;

/** The processes of a relay and of its Postgres. */
export async function processesOf({ pid, data }: BenchRelay): Promise<number[]> {
  return [pid, ...withChildren(await processes(), [await postmasterOf(data)])];
}

/** Processor time (ms) that processes have taken so far, with those of their children that have ended. */
export async function cpuOf(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(
    pids.map(async (pid) => {
      const fields = (await statOf(pid).catch(() => [])).slice(11, 15);
      return fields.reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
    }),
  );
  return each.reduce((sum, ms) => sum + ms, 0);
}

async function postmasterOf(data: string): Promise<number> {
  const file = await readFile(join(data, 'postgres', 'postmaster.pid'), 'utf8');
  return Number(file.split('\n', 1)[0]);
}

/** What a relay and all that belongs to it use now. Linux only. */
export async function memoryOf({ pid, data, work }: BenchRelay): Promise<RelayMemory> {
  const all = await processes();
  const postmaster = await postmasterOf(data);
  const inSandboxes = all.filter(({ command }) => command.includes(`${work}/sandboxes/`));
  const [relay, postgres, sandboxes] = await Promise.all([
    sum([pid]),
    sum(withChildren(all, [postmaster])),
    sum(
      withChildren(
        all,
        inSandboxes.map((found) => found.pid),
      ).filter((found) => found !== pid),
    ),
  ]);
  return { relay, postgres, sandboxes };
}

/** The processes whose command line has this text in it. */
export async function processesWith(text: string): Promise<number[]> {
  return (await processes()).filter(({ command }) => command.includes(text)).map(({ pid }) => pid);
}

/** The memory of the processes whose command line has this text in it, and of all below them. Linux only. */
export async function memoryWith(text: string): Promise<Memory> {
  const all = await processes();
  const roots = all.filter(({ command }) => command.includes(text)).map(({ pid }) => pid);
  return sum(withChildren(all, roots));
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(processOf));
  return found.filter((process) => process !== undefined);
}

async function processOf(pid: number): Promise<Process | undefined> {
  try {
    const [state, parent] = await statOf(pid);
    if (state === 'Z') return undefined;
    return { pid, parent: Number(parent), command: await readFile(`/proc/${pid}/cmdline`, 'latin1') };
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

/** The fields of a process from its state on, which is the third: the name before it may contain anything. */
async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function withChildren(all: readonly Process[], roots: readonly number[]): number[] {
  const found = new Set(roots);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

async function sum(pids: readonly number[]): Promise<Memory> {
  const each = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
      const mib = (field: string): number =>
        Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;
      return { pss: mib('Pss'), rss: mib('Rss') };
    }),
  );
  return {
    processes: pids.length,
    pss: each.reduce((total, { pss }) => total + pss, 0),
    rss: each.reduce((total, { rss }) => total + rss, 0),
  };
}
