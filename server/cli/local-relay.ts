import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { createRelayClient, type RelayClient } from '../protocol/client.ts';
import type { Health } from '../protocol/health.ts';
import { DATA_FILES, dataDir } from '../protocol/locations.ts';
import { PROTOCOL_VERSION } from '../protocol/version.ts';
import { CliError } from './command.ts';

type Env = Record<string, string | undefined>;

const RelayFile = z.object({
  url: z.url(),
  pid: z.number().int().positive(),
  version: z.string(),
  protocol: z.number().int(),
});
type RelayFile = z.infer<typeof RelayFile>;

/** A relay that answered just now. */
export interface FoundRelay {
  url: string;
  pid: number;
  health: Health;
  client: RelayClient;
}

/** The first start creates a database; a slow disk may take its time. Milliseconds. */
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 50;
/** Of a log, what is shown when a relay does not start, in characters. */
const SHOWN_LOG = 2000;

export function dataDirOf(env: Env): string {
  return dataDir({ env, platform: process.platform, homedir: homedir() });
}

/** The relay of this data folder, where one runs and answers. */
export async function findRelay(env: Env): Promise<FoundRelay | undefined> {
  const file = readRelayFile(env);
  const token = env.HANDOFF_TOKEN || readText(path.join(dataDirOf(env), DATA_FILES.token))?.trim();
  if (file === undefined || !token) return undefined;
  const client = createRelayClient({ url: file.url, token });
  try {
    return { url: file.url, pid: file.pid, health: await client.health(), client };
  } catch {
    return undefined;
  }
}

/**
 * The relay of this data folder; started in the background where none runs. It goes on when this process ends.
 * @throws {CliError} where it does not come up, with the end of its log, or speaks another protocol
 */
export async function ensureRelay(env: Env, onStart: () => void = () => {}): Promise<FoundRelay> {
  const found = await findRelay(env);
  if (found) return compatible(found);
  onStart();
  return compatible(await startInBackground(env));
}

function compatible(relay: FoundRelay): FoundRelay {
  if (relay.health.protocol === PROTOCOL_VERSION) return relay;
  throw new CliError(
    `The relay at ${relay.url} is of version ${relay.health.version}, which speaks another protocol.`,
    'Stop it with `npm start -- relay --stop`, then run this command again.',
  );
}

async function startInBackground(env: Env): Promise<FoundRelay> {
  const folder = dataDirOf(env);
  const log = path.join(folder, DATA_FILES.log);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const descriptor = openSync(log, 'a', 0o600);
  chmodSync(log, 0o600);
  const logStart = statSync(log).size;
  const child = spawn(process.execPath, [...process.execArgv, entryPoint(), 'relay'], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', descriptor, descriptor],
    env: env as NodeJS.ProcessEnv,
  });
  closeSync(descriptor);
  let ended = false;
  const exit = once(child, 'exit').then(
    () => (ended = true),
    () => (ended = true),
  );
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    // Looked at before the relay is, because another relay may have won the race and answer although this one ended.
    const lost = ended;
    const relay = await findRelay(env);
    if (relay && (await isReady(relay))) {
      child.unref();
      return relay;
    }
    if (lost) break;
    await Promise.race([delay(POLL_MS), exit]);
  }
  if (!ended) child.kill('SIGTERM');
  const words = readText(log)?.slice(logStart).slice(-SHOWN_LOG).trim() || 'It said nothing.';
  throw new CliError(
    ended
      ? `The relay ended instead of starting:\n${words}`
      : `The relay was not ready after ${START_TIMEOUT_MS / 1000} s:\n${words}`,
    `Its whole log is ${log}; \`npm start -- doctor\` checks what it needs.`,
  );
}

/** The engine is up, too; health alone says that the port answers. */
async function isReady({ client }: FoundRelay): Promise<boolean> {
  try {
    return (await client.ready()).ready;
  } catch {
    return false;
  }
}

/** This program, however it was started: the bundle, or its sources. */
function entryPoint(): string {
  const entry = process.argv[1];
  if (entry === undefined) throw new Error('the program has no file');
  return entry;
}

/**
 * Ends the relay of this data folder and waits until its process is gone.
 * @returns its address, or nothing where none runs
 * @throws {CliError} where it cannot be told that the recorded process is a relay, or it does not end
 */
export async function stopRelay(env: Env): Promise<string | undefined> {
  const file = readRelayFile(env);
  if (file === undefined || !isAlive(file.pid)) return undefined;
  if ((await findRelay(env)) === undefined && !isRelayProcess(file.pid)) {
    throw new CliError(
      `Process ${file.pid}, which is recorded as the relay, does not look like one; it was left alone.`,
      `If no relay runs, remove ${path.join(dataDirOf(env), DATA_FILES.relay)}.`,
    );
  }
  process.kill(file.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (isAlive(file.pid)) {
    if (Date.now() > deadline) {
      throw new CliError(
        `The relay (process ${file.pid}) did not end in ${STOP_TIMEOUT_MS / 1000} s.`,
        `End it with: kill -9 ${file.pid} (nothing recorded is lost).`,
      );
    }
    await delay(POLL_MS);
  }
  return file.url;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Ended, and not yet collected by whoever started it. */
function isZombie(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).startsWith('Z') ?? false;
}

function isRelayProcess(pid: number): boolean {
  return readText(`/proc/${pid}/cmdline`)?.split('\0').includes('relay') ?? false;
}

function readRelayFile(env: Env): RelayFile | undefined {
  try {
    return RelayFile.parse(JSON.parse(readText(path.join(dataDirOf(env), DATA_FILES.relay)) ?? ''));
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
