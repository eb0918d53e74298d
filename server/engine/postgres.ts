import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../errors.ts';
import { type PostgresAccount, postgresAccount } from './postgres-account.ts';
import { placeBinaries } from './postgres-files.ts';

export interface EmbeddedPostgres {
  /** Connection string of the relay's database, with the password: never log it. */
  url: string;
  /** `reused`: a Postgres whose relay was killed was still running. */
  origin: 'created' | 'started' | 'reused';
  /** Asks Postgres to end at once but cleanly. Does not wait: the next start does. */
  stop(): void;
}

const USER = 'handoff';
const DATABASE = 'handoff';
const START_DEADLINE_MS = 30_000;

/**
 * The relay's own Postgres, a separate process that survives a killed relay and is found again by the next one.
 * It listens on loopback only, on a port that is free at that moment, with a random password.
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  env: Record<string, string | undefined>,
): Promise<EmbeddedPostgres> {
  const account = postgresAccount(dataDir, env);
  const binaries = await placeBinaries(account.cacheDir, env.HANDOFF_RUNTIME);
  const password = await readPassword(dataDir);
  const isNew = !(await exists(join(account.clusterDir, 'PG_VERSION')));
  if (isNew) await createCluster(account, binaries, dataDir, password);

  const running = await findRunning(account.clusterDir, password);
  if (running) {
    await ensureDatabase(urlOf(running.port, 'postgres', password));
    return { url: urlOf(running.port, DATABASE, password), origin: 'reused', stop: () => stop(running.pid) };
  }
  const port = await freePort();
  const pid = await start(account, binaries, port, password);
  await ensureDatabase(urlOf(port, 'postgres', password));
  return {
    url: urlOf(port, DATABASE, password),
    origin: isNew ? 'created' : 'started',
    stop: () => stop(pid),
  };
}

const urlOf = (port: number, database: string, password: string): string =>
  `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;

async function readPassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'postgres-password');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known) return known.trim();
  const password = randomBytes(24).toString('hex');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** initdb into a folder beside the final one would need a rename as another user: instead a half-made cluster is removed first. */
async function createCluster(
  { ids, clusterDir }: PostgresAccount,
  binaries: string,
  dataDir: string,
  password: string,
): Promise<void> {
  await rm(clusterDir, { recursive: true, force: true });
  await mkdir(clusterDir, { recursive: true, mode: 0o700 });
  if (ids) await chown(clusterDir, ids.uid, ids.gid);
  const logFile = join(dataDir, 'postgres.log');
  const log = await open(logFile, 'a', 0o600);
  // initdb reads the password from a file only, and Node's standard input is a socket, which cannot be opened by name.
  const passwordFile = `${clusterDir}.password`;
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (ids) await chown(passwordFile, ids.uid, ids.gid);
  const args = ['-D', clusterDir, '-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const child = spawn(
    join(binaries, 'bin', 'initdb'),
    [...args, '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    {
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: { PATH: process.env.PATH ?? '', TZ: 'UTC' },
      ...ids,
    },
  );
  const code = await exitOf(child).finally(() =>
    Promise.all([log.close(), rm(passwordFile, { force: true })]),
  );
  if (code !== 0) {
    const tail = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-3).join(' ');
    await rm(clusterDir, { recursive: true, force: true });
    throw new AppError('not_ready', `The database could not be created: ${tail}`, {
      nextAction: 'Check the free space and the rights of the data folder, or set HANDOFF_DATABASE_URL.',
    });
  }
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });

/**
 * Looks for a Postgres that runs on this cluster already. One that is starting up or shutting down is waited for;
 * a pid file whose process is gone, or belongs to something else by now, is cleared away.
 */
async function findRunning(
  clusterDir: string,
  password: string,
): Promise<{ pid: number; port: number } | undefined> {
  const file = join(clusterDir, 'postmaster.pid');
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    const pid = Number(lines[0]);
    if (!pid) return undefined;
    if (!(await isPostgres(pid))) {
      await rm(file, { force: true });
      return undefined;
    }
    const port = Number(lines[3]);
    if (port && (await answers(urlOf(port, 'postgres', password)))) return { pid, port };
    await delay(50);
  }
  throw new AppError('not_ready', 'A Postgres of an earlier relay runs but does not answer.', {
    nextAction: `End it (its pid is the first line of ${file}) and start again.`,
  });
}

async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const match = /\((.*)\) (\S)/.exec(status);
  return match?.[1] === 'postgres' && match[2] !== 'Z';
}

async function start(
  { ids, clusterDir }: PostgresAccount,
  binaries: string,
  port: number,
  password: string,
): Promise<number> {
  // The log lies in the cluster, which the user that runs Postgres owns.
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    max_connections: 60,
    shared_buffers: '32MB',
    logging_collector: 'on',
    log_directory: 'log',
    log_filename: 'postgres.log',
    log_rotation_size: '10MB',
    log_min_messages: 'warning',
  };
  const child = spawn(
    join(binaries, 'bin', 'postgres'),
    ['-D', clusterDir, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    { stdio: 'ignore', cwd: '/', detached: true, env: { PATH: process.env.PATH ?? '', TZ: 'UTC' }, ...ids },
  );
  child.unref();
  let ended = false;
  child.once('error', () => (ended = true));
  child.once('exit', () => (ended = true));
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!ended && Date.now() < deadline) {
    if (await answers(urlOf(port, 'postgres', password))) return child.pid ?? 0;
    await delay(20);
  }
  throw new AppError('not_ready', 'The embedded Postgres did not start.', {
    nextAction: `Read ${join(clusterDir, 'log', 'postgres.log')}, or set HANDOFF_DATABASE_URL.`,
  });
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    const duplicate = '42P04';
    if ((error as { code?: string }).code !== duplicate) throw error;
  } finally {
    await client.end();
  }
}

/** SIGINT is Postgres's fast shutdown: open transactions are rolled back, files are clean. */
function stop(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It is gone already.
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

const exists = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );
