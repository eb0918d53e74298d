import { type ChildProcess, spawn } from 'node:child_process';
import { chown, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import type { PostgresAccount } from './postgres-account.ts';

/** Who owns the database: Postgres's superuser. */
export const USER = 'handoff';

/**
 * Makes the database cluster where there is none.
 *
 * initdb writes into a folder of its own, which becomes the cluster once initdb has succeeded: so a cluster is whole or
 * not there, whenever the relay is killed, and an initdb that outlives its relay disturbs nobody.
 * @returns whether it was made
 * @throws {AppError} `not_ready` where initdb fails
 */
export async function ensureCluster(
  account: PostgresAccount,
  binaries: string,
  dataDir: string,
  password: string,
): Promise<boolean> {
  const { clusterDir, ids } = account;
  await removeLeftovers(clusterDir);
  if (await isWhole(clusterDir)) return false;
  await mkdir(dirname(clusterDir), { recursive: true, mode: 0o755 });
  const staging = await mkdtemp(`${clusterDir}${STAGING}`);
  try {
    if (ids) await chown(staging, ids.uid, ids.gid);
    await initialise(join(staging, 'cluster'), staging, account, binaries, dataDir, password);
    await rm(clusterDir, { recursive: true, force: true });
    await rename(join(staging, 'cluster'), clusterDir);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return true;
}

const STAGING = '.new-';

/** Of starts that were killed. An initdb that still runs there fails; what it leaves meanwhile goes at the next start. */
async function removeLeftovers(clusterDir: string): Promise<void> {
  const parent = dirname(clusterDir);
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((name) => name.startsWith(`${basename(clusterDir)}${STAGING}`))) {
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
  }
}

const isWhole = (clusterDir: string): Promise<boolean> =>
  readFile(join(clusterDir, 'PG_VERSION')).then(
    () => true,
    () => false,
  );

async function initialise(
  clusterDir: string,
  staging: string,
  { ids }: PostgresAccount,
  binaries: string,
  dataDir: string,
  password: string,
): Promise<void> {
  const logFile = join(dataDir, 'postgres.log');
  const log = await open(logFile, 'a', 0o600);
  // initdb reads the password from a file only, and Node's standard input is a socket, which cannot be opened by name.
  const passwordFile = join(staging, 'password');
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
  const code = await exitOf(child).finally(() => log.close());
  if (code === 0) return;
  const tail = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-3).join(' ');
  throw new AppError('not_ready', `The database could not be created: ${tail}`, {
    nextAction: 'Check the free space and the rights of the data folder, or set HANDOFF_DATABASE_URL.',
  });
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
