import { spawn } from 'node:child_process';
import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../errors.ts';
import type { PostgresAccount } from './postgres-account.ts';
import { USER } from './postgres-cluster.ts';

const START_DEADLINE_MS = 30_000;

/** Has the password in it: never log it. */
export const urlOf = (port: number, database: string, password: string): string =>
  `postgresql://${USER}:${password}@127.0.0.1:${port}/${database}`;

/**
 * Looks for a Postgres that runs on this cluster already. One that is starting up or shutting down is waited for;
 * a pid file whose process is gone, or belongs to something else by now, is cleared away.
 */
export async function findRunning(
  clusterDir: string,
  password: string,
): Promise<{ pid: number; port: number } | undefined> {
  const file = join(clusterDir, 'postmaster.pid');
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    const pid = Number(lines[0]);
    if (!pid) return undefined;
    if (!(await isPostgres(pid, clusterDir))) {
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

/** Whether the process is the Postgres of this cluster; where the system does not tell, whether it lives. */
export async function isPostgres(pid: number, clusterDir: string): Promise<boolean> {
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
  if (match?.[1] !== 'postgres' || match[2] === 'Z') return false;
  // Postgres works in its cluster; another one may have the pid by now.
  const folders = [readlink(`/proc/${pid}/cwd`), realpath(clusterDir)];
  const [cwd, cluster] = await Promise.all(folders.map((folder) => folder.catch(() => undefined)));
  return cwd !== undefined && cwd === cluster;
}

/**
 * Starts Postgres, detached, and waits until it answers.
 * @returns its pid
 * @throws {AppError} `not_ready` where it ends, or does not answer in time: then it is told to end
 */
export async function start(
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
  child.kill('SIGINT');
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

/** SIGINT is Postgres's fast shutdown: open transactions are rolled back, files are clean. */
export function stop(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It is gone already.
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
