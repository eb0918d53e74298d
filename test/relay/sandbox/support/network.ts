import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LocalFixture } from './local.ts';

/** Any public address; nothing is ever sent there. */
export const PUBLIC = '93.184.216.34';

/** What is on the internet of a test: addresses by name (the next list at each look-up), ports of this machine by `address:port`. */
export interface TestInternet {
  names: Record<string, string[][]>;
  servers: Record<string, number>;
}

/** Gives the sandboxes of a fixture this internet, where its provider looks for the egress process. */
export function connectToInternet(fixture: LocalFixture, internet: TestInternet): Promise<string> {
  return bundleEgress(dirname(fixture.supervisorPath), internet);
}

/** Bundles an egress process with this internet into `folder`. */
export async function bundleEgress(folder: string, internet: TestInternet): Promise<string> {
  const { build } = await import('esbuild');
  const outfile = join(folder, 'egress.mjs');
  await build({
    entryPoints: ['test/relay/sandbox/support/egress-double.ts'],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    logLevel: 'warning',
    define: { INTERNET: JSON.stringify(internet) },
  });
  return outfile;
}

/** The egress processes of a data folder that live. */
export async function egressProcesses(dataDir: string): Promise<number[]> {
  const sandboxes = join(dataDir, 'sandboxes');
  const homes = (await fs.readdir(sandboxes).catch(() => [])).filter((name) => name.startsWith('.egress-'));
  return homes.flatMap((home) => {
    try {
      const pid = Number(readFileSync(join(sandboxes, home, 'pid'), 'utf8'));
      // Its number may be another process's by now.
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/egress.mjs') ? [pid] : [];
    } catch {
      return []; // It never was, or has ended.
    }
  });
}

/** Kills them, as a crash would, and waits until they are gone, and their sockets with them. */
export async function killEgress(dataDir: string): Promise<void> {
  const pids = await egressProcesses(dataDir);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while (pids.some(holdsSockets)) await new Promise((resolve) => setImmediate(resolve));
}

/** A process loses its command line before its sockets, and has neither when only its parent has to be told. */
function holdsSockets(pid: number): boolean {
  try {
    return !/^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
