import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { AppError } from './errors.ts';
import { DATA_FILES } from './protocol/locations.ts';

const RelayFile = z.object({ url: z.url(), pid: z.number() });

/** How long (ms) another relay that holds the lock may take to begin to serve. */
const DEADLINE_MS = 30_000;
const LOOK_EVERY_MS = 100;

/** Where the relay that holds this data folder serves; waits for one that is just starting. */
export async function findRelay(dataDir: string): Promise<string> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const text = await readFile(join(dataDir, DATA_FILES.relay), 'utf8').catch(() => '');
    const url = text === '' ? undefined : RelayFile.safeParse(JSON.parse(text)).data?.url;
    if (url !== undefined && (await answers(url))) return url;
    await delay(LOOK_EVERY_MS);
  }
  throw new AppError('not_ready', 'Another relay holds this data folder but does not answer.', {
    nextAction: `End it (its pid is in ${join(dataDir, DATA_FILES.relay)}) and start again.`,
  });
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.ok,
    () => false,
  );

/** Takes back the word that a relay runs here. */
export async function forgetRelay(dataDir: string): Promise<void> {
  await rm(join(dataDir, DATA_FILES.relay), { force: true });
}
