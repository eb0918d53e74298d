import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder for a test, through which the users of Postgres and of sandboxes can pass. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'handoff-chaos-'));
  await chmod(folder, 0o711);
  return folder;
}

/** A folder for what relays and sandboxes keep in the system's: so that it goes with the test's. */
export async function makeTmp(folder: string): Promise<string> {
  const tmp = join(folder, 'tmp');
  await mkdir(tmp, { mode: 0o711 });
  return tmp;
}

/** Removes a test's folder, and first of all what still runs on it: also a failed test leaves nothing behind. */
export async function removeFolder(folder: string): Promise<void> {
  for (const pid of await processesOn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  // Postgres writes until it has ended.
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
}

/** Processes that were started with the folder's name: databases and sandboxes have it as an argument, relays as a setting. */
async function processesOn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const said = ['cmdline', 'environ'].map((name) =>
        readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => ''),
      );
      return (await Promise.all(said)).some((text) => text.includes(folder)) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
