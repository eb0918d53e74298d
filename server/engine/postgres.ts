import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Logger } from 'pino';
import { postgresAccount } from './postgres-account.ts';
import { ensureCluster } from './postgres-cluster.ts';
import { placeBinaries } from './postgres-files.ts';
import { onFreePort } from './postgres-port.ts';
import { findRunning, isPostgres, start, stop, urlOf } from './postgres-process.ts';
import { watchPostgres } from './postgres-watch.ts';

export interface EmbeddedPostgres {
  /** Connection string of the relay's database, with the password: never log it. */
  url: string;
  /** `reused`: a Postgres whose relay was killed was still running. */
  origin: 'created' | 'started' | 'reused';
  /** Asks Postgres to end at once but cleanly. Does not wait: the next start does. */
  stop(): void;
}

const DATABASE = 'handoff';

/**
 * The relay's own Postgres, a separate process that survives a killed relay and is found again by the next one.
 * It listens on loopback only, on a port that is free at that moment, with a random password. Where it dies it is started
 * again on the same port.
 */
export async function startEmbeddedPostgres(
  dataDir: string,
  env: Record<string, string | undefined>,
  logger: Pick<Logger, 'warn' | 'error'>,
): Promise<EmbeddedPostgres> {
  const account = postgresAccount(dataDir, env);
  const { clusterDir } = account;
  const binaries = await placeBinaries(account.cacheDir, env.HANDOFF_RUNTIME);
  const password = await readPassword(dataDir);
  const isNew = await ensureCluster(account, binaries, dataDir, password);

  const running = await findRunning(clusterDir, password);
  const startAt = async (port: number) => ({ port, pid: await start(account, binaries, port, password) });
  const { port, pid } = running ?? (await onFreePort(startAt));
  const watch = watchPostgres({
    pid,
    isAlive: (known) => isPostgres(known, clusterDir),
    restart: () => start(account, binaries, port, password),
    stop,
    onRestart: (error) =>
      error === undefined
        ? logger.warn('Postgres had ended and was started again')
        : logger.error({ err: error }, 'Postgres has ended and could not be started again'),
  });
  const end = (): void => {
    watch.end();
    stop(watch.pid());
  };
  try {
    await ensureDatabase(urlOf(port, 'postgres', password));
  } catch (error) {
    end();
    throw error;
  }
  const origin = running ? 'reused' : isNew ? 'created' : 'started';
  return { url: urlOf(port, DATABASE, password), origin, stop: end };
}

async function readPassword(dataDir: string): Promise<string> {
  const file = join(dataDir, 'postgres-password');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known) return known.trim();
  const password = randomBytes(24).toString('hex');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
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
