import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

interface Process {
  pid: number;
  parent: number;
  /** MiB that are not pages of files, which the kernel can drop; what it shares with others is counted for each. */
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

/** A process and all below it that live now. */
export async function processesBelow(first: number): Promise<Process[]> {
  const everything = await processes();
  return descendants(
    everything,
    Map.groupBy(everything, ({ parent }) => parent),
    first,
  );
}

/** Processes that are looked at before the relay's own work may come between. */
const AT_ONCE = 50;

/** Read in place: the kernel has it in memory, and to ask for it from another thread takes ten times as long. */
async function processes(): Promise<Process[]> {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const found: Process[] = [];
  for (const [index, pid] of pids.entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await setImmediate();
    const status = statusOf(pid);
    const parent = /^PPid:\t(\d+)$/m.exec(status)?.[1];
    if (parent !== undefined)
      found.push({ pid, parent: Number(parent), resident: sumIn(status, 'RssAnon', 'RssShmem') ?? 0 });
  }
  return found;
}

/** Empty where it has ended. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return '';
  }
}

/** The first process and all below it; each once, whatever numbers were used anew while we looked. */
function descendants(all: readonly Process[], children: Map<number, Process[]>, first: number): Process[] {
  const found = new Set(all.filter(({ pid }) => pid === first));
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

async function proportionate({ pid, resident }: Process): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
  return sumIn(rollup, 'Pss_Anon', 'Pss_Shmem') ?? resident;
}

/** MiB of both fields; undefined where either is missing. */
function sumIn(text: string, one: string, other: string): number | undefined {
  const [a, b] = [one, other].map((field) => new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
  return a === undefined || b === undefined ? undefined : (Number(a) + Number(b)) / 1024;
}

const total = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0);
