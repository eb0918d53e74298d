import { spawn } from 'node:child_process';
import { chmod, mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { createRelayClient } from '../../server/protocol/client.ts';
import { DATA_FILES, type RelayFile } from '../../server/protocol/locations.ts';
import { ExpectedError } from '../ui/failure.ts';
import type { NodeProgram } from './node-program.ts';

/** Where a relay is and what it is spoken to with. */
export interface RelayAddress {
  url: string;
  token: string;
}

export interface StartOptions {
  dataDir: string;
  node: NodeProgram;
  /** The bundled relay. */
  script: string;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  deadlineMs?: number;
}

const RelayFileSchema = z.object({
  url: z.string(),
  pid: z.number(),
  version: z.string(),
  protocol: z.number(),
}) satisfies z.ZodType<RelayFile>;

/** The first start makes a database, which takes some seconds on a slow disk. */
const START_DEADLINE_MS = 60_000;
const POLL_MS = 150;
/** Of the log, what is shown when the relay does not start, in characters. */
const LOG_TAIL = 1500;

/** The relay that runs on this data folder and answers; nothing where there is none. */
export async function findLocalRelay(
  dataDir: string,
  env: NodeJS.ProcessEnv,
): Promise<RelayAddress | undefined> {
  const [file, tokenFile] = await Promise.all([
    readText(path.join(dataDir, DATA_FILES.relay)),
    readText(path.join(dataDir, DATA_FILES.token)),
  ]);
  const token = env['HANDOFF_TOKEN'] || tokenFile?.trim();
  const relay = RelayFileSchema.safeParse(parse(file ?? ''));
  if (!relay.success || !token) return undefined;
  const address = { url: relay.data.url, token };
  const alive = await createRelayClient(address)
    .health()
    .catch(() => undefined);
  return alive && address;
}

/**
 * Starts a relay that outlives this window, and waits until it does work. Another window's relay may win the race: ours then
 * ends by itself and the other one is the answer.
 * @throws {ExpectedError} `not_ready`, with the log's last lines, where none comes up
 */
export async function startLocalRelay(options: StartOptions): Promise<RelayAddress> {
  const { dataDir, env, signal, deadlineMs = START_DEADLINE_MS } = options;
  const log = path.join(dataDir, DATA_FILES.log);
  const { ended, logStart } = await launch(options, log);
  const deadline = Date.now() + deadlineMs;
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    // Asked before looking, because the relay that won may answer just after ours ended.
    const failed = ended.code !== undefined && ended.code !== 0;
    const address = await findLocalRelay(dataDir, env);
    if (address && (await isReady(address))) return address;
    if (failed) throw await notStarted(`The relay ended with exit code ${ended.code}`, log, logStart);
    await delay(POLL_MS);
  }
  throw await notStarted(`The relay was not ready after ${deadlineMs / 1000} s`, log, logStart);
}

/** Detached, with the log file for its output; `ended.code` says when and how it ended, -1 where it could not be started. */
async function launch({ dataDir, node, script, env }: StartOptions, log: string) {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = await open(log, 'a', 0o600);
  try {
    await chmod(log, 0o600);
    const { size } = await file.stat();
    const { ELECTRON_RUN_AS_NODE: _editorOnly, ...inherited } = env;
    const child = spawn(node.path, [script, 'relay'], {
      cwd: dataDir,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', file.fd, file.fd],
      env: { ...inherited, ...node.env },
    });
    const ended: { code?: number } = {};
    child.on('error', () => (ended.code = -1));
    child.on('exit', (code) => (ended.code = code ?? -1));
    child.unref();
    return { ended, logStart: size };
  } finally {
    await file.close();
  }
}

/** The engine is up, too; health alone says that the port answers. */
async function isReady(address: RelayAddress): Promise<boolean> {
  return createRelayClient(address)
    .ready()
    .then(
      ({ ready }) => ready,
      () => false,
    );
}

async function notStarted(what: string, log: string, logStart: number): Promise<ExpectedError> {
  const words = (await readFile(log).catch(() => Buffer.of())).subarray(logStart).toString('utf8').trim();
  const tail = words === '' ? '' : `\n${words.slice(-LOG_TAIL)}`;
  return new ExpectedError(
    'not_ready',
    `${what}.${tail}`,
    'Mend what the log says ("Handoff: Show Log"), then try again.',
  );
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
