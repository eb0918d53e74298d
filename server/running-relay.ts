import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { AppError } from './errors.ts';
import { acquireLock, type ProcessLock } from './lock.ts';
import { DATA_FILES, type RelayFile } from './protocol/locations.ts';

const Announcement = z.object({ url: z.url(), pid: z.number() });

/** How long (ms) another relay that holds the lock may take to begin to serve, and how often it is looked at. */
const DEADLINE_MS = 30_000;
const LOOK_EVERY_MS = 100;

/**
 * Takes the data folder, or finds out where the relay serves that has it. One that is just starting is waited for; one
 * that goes away meanwhile is replaced.
 * @throws {AppError} `not_ready` where another relay holds the folder and does not answer in time
 */
export async function takeFolder(
  dataDir: string,
  deadlineMs = DEADLINE_MS,
): Promise<{ lock: ProcessLock } | { url: string }> {
  const deadline = Date.now() + deadlineMs;
  do {
    const lock = await acquireLock(dataDir);
    if (lock) return { lock };
    const url = await announcedUrl(dataDir);
    if (url !== undefined && (await answers(url))) return { url };
    await delay(LOOK_EVERY_MS);
  } while (Date.now() < deadline);
  throw new AppError('not_ready', 'Another relay holds this data folder but does not answer.', {
    nextAction: `End the process that runs “handoff relay” on ${dataDir}, then start again.`,
  });
}

/** Says in the data folder where the relay serves, so that clients find it: whole or not at all, for its owner only. */
export async function announceRelay(dataDir: string, file: RelayFile): Promise<void> {
  const place = join(dataDir, DATA_FILES.relay);
  await writeFile(`${place}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  await rename(`${place}.new`, place);
}

/** Takes back the word that a relay runs here. */
export async function forgetRelay(dataDir: string): Promise<void> {
  await rm(join(dataDir, DATA_FILES.relay), { force: true });
}

async function announcedUrl(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(dataDir, DATA_FILES.relay), 'utf8').catch(() => '');
  try {
    return Announcement.parse(JSON.parse(text)).url;
  } catch {
    return undefined; // Not there, or not a relay's.
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.ok,
    () => false,
  );
