import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Host } from './host.ts';
import { findTool } from './tools.ts';

const run = promisify(execFile);

interface Process {
  pid: number;
  parent: number;
  /** MiB; what it shares with others is counted for each. */
  resident: number;
}

/**
 * The memory of sandboxes in MiB, by one walk over the machine's processes. All processes of a namespace descend from its first one.
 * Where the plain sum passes `limit`, pages that several share are counted once, which costs more to find out.
 * @param first the first process of each sandbox
 * @param limit MiB, by sandbox
 */
export async function memoryOf(
  first: ReadonlyMap<string, number>,
  limit: (id: string) => number,
): Promise<Map<string, number>> {
  const everything = await processes();
  const children = Map.groupBy(everything, ({ parent }) => parent);
  const used = new Map<string, number>();
  for (const [id, pid] of first) {
    const all = descendants(everything, children, pid);
    const sum = total(all.map(({ resident }) => resident));
    used.set(id, sum <= limit(id) ? sum : total(await Promise.all(all.map(proportionate))));
  }
  return used;
}

/**
 * What lies in a folder, in MiB on disk. Undefined where that cannot be found out now, for example because it is being removed.
 * Folders that their owner has closed count too: who is not root looks as the root of a namespace.
 */
export async function diskOf(host: Host, folder: string, signal: AbortSignal): Promise<number | undefined> {
  const du = [findTool('du') ?? 'du', '--summarize', '--block-size=1K', '--one-file-system', '--', folder];
  const seeing =
    host.setpriv === undefined && host.mounting !== undefined
      ? [host.mounting.unshare, '--user', '--map-root-user', '--']
      : [];
  return (await kibOf([...seeing, ...du], signal)) ?? (seeing.length > 0 ? kibOf(du, signal) : undefined);
}

async function kibOf([file = '', ...args]: string[], signal: AbortSignal): Promise<number | undefined> {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  // It fails where a file went away under it, and counts the rest.
  const said = await run(file, args, { cwd: '/', env, signal }).catch((error: unknown) => error);
  const printed = typeof said === 'object' && said !== null ? Reflect.get(said, 'stdout') : undefined;
  const kib = /^(\d+)\t/.exec(typeof printed === 'string' ? printed : '')?.[1];
  return kib === undefined ? undefined : Number(kib) / 1024;
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found: Process[] = [];
  // One after the other, so that the relay's own work comes between.
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
    const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1];
    if (parent !== undefined)
      found.push({ pid, parent: Number(parent), resident: mibIn(status, 'VmRSS') ?? 0 });
  }
  return found;
}

/** The first process and all below it; each once, whatever numbers were used anew while we looked. */
function descendants(all: readonly Process[], children: Map<number, Process[]>, first: number): Process[] {
  const found = new Set(all.filter(({ pid }) => pid === first));
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

async function proportionate({ pid, resident }: Process): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
  return mibIn(rollup, 'Pss') ?? resident;
}

function mibIn(text: string, field: string): number | undefined {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) / 1024;
}

const total = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0);
