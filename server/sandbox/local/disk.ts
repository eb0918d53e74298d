import { spawn } from 'node:child_process';
import { readdir, stat, statfs } from 'node:fs/promises';
import type { Host } from './host.ts';
import { findTool } from './tools.ts';
import { processesBelow } from './usage.ts';

/** Milliseconds that a look may take: who has so much that it takes longer has too much. Two million files take about 10 s. */
const LOOK_PATIENCE = 60_000;
/** Characters of what `du` says that are kept: a number is at the beginning. */
const ANSWER = 64;
/** What `statfs` says of file systems that are memory: tmpfs (all memfds too) and hugetlbfs. */
const IN_MEMORY = new Set([0x01021994, 0x958458f6]);

export interface DiskUse {
  /** MiB. */
  disk: number;
  /** Files and folders. */
  files: number;
}

/** Undefined: it cannot be found out now, for example because the folder is being removed. */
export type DiskLook = DiskUse | 'too-long' | undefined;

/**
 * What lies in a folder, and what the processes from `first` on hold open that has no name any more, as far as the kernel shows that
 * to us. Folders that their owner has closed count too: who is not root looks as the root of a namespace.
 */
export async function diskOf(
  host: Pick<Host, 'setpriv' | 'mounting'>,
  folder: string,
  first: number | undefined,
  signal: AbortSignal,
  patience = LOOK_PATIENCE,
): Promise<DiskLook> {
  const late = AbortSignal.timeout(patience);
  const both = AbortSignal.any([signal, late]);
  const kib = await sumOf(host, ['--block-size=1K'], folder, both);
  const files = await sumOf(host, ['--inodes'], folder, both);
  const nameless = await namelessOf(first, both);
  if (late.aborted && !signal.aborted) return 'too-long';
  if (kib === undefined || files === undefined) return undefined;
  return { disk: kib / 1024 + nameless.disk, files: files + nameless.files };
}

async function sumOf(
  host: Pick<Host, 'setpriv' | 'mounting'>,
  what: string[],
  folder: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const du = [findTool('du') ?? 'du', '--summarize', ...what, '--one-file-system', '--', folder];
  if (host.setpriv !== undefined || host.mounting === undefined) return numberOf(du, signal);
  const seeing = [host.mounting.unshare, '--user', '--map-root-user', '--'];
  return (await numberOf([...seeing, ...du], signal)) ?? numberOf(du, signal);
}

/** It fails where a file went away under it, complains of each, and counts the rest. */
function numberOf([file = '', ...args]: string[], signal: AbortSignal): Promise<number | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stdout.setEncoding('latin1').on('data', (words: string) => {
      said = (said + words).slice(0, ANSWER);
    });
    child.once('error', () => resolve(undefined));
    child.once('close', () => {
      const number = /^(\d+)\t/.exec(said)?.[1];
      resolve(number === undefined ? undefined : Number(number));
    });
  });
}

async function namelessOf(first: number | undefined, signal: AbortSignal): Promise<DiskUse> {
  const seen = new Set<string>();
  let disk = 0;
  for (const { pid } of first === undefined ? [] : await processesBelow(first)) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      if (signal.aborted) return { disk, files: seen.size };
      const path = `/proc/${pid}/fd/${fd}`;
      const found = await stat(path, { bigint: true }).catch(() => undefined);
      if (found?.isFile() !== true || found.nlink > 0n || seen.has(`${found.dev}:${found.ino}`)) continue;
      const system = await statfs(path).catch(() => undefined);
      if (system === undefined || IN_MEMORY.has(system.type)) continue;
      seen.add(`${found.dev}:${found.ino}`);
      disk += Number(found.blocks) / 2048;
    }
  }
  return { disk, files: seen.size };
}
