import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { createDatabase, type Database } from '../../../server/engine/database.ts';
import { startEmbeddedPostgres } from '../../../server/engine/postgres.ts';
import { migrate } from '../../../server/engine/schema.ts';

/** A Postgres of the test's own, with the relay's tables. */
export interface OwnDatabase {
  /** A folder of the test's own, which ends with the database. */
  folder: string;
  url: string;
  pool: pg.Pool;
  database: Database;
  close(): Promise<void>;
}

export async function openOwnDatabase(): Promise<OwnDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'handoff-record-'));
  // Where root runs the test, Postgres belongs to another user, who has to pass through.
  await chmod(folder, 0o711);
  const postgres = await startEmbeddedPostgres(folder, process.env, pino({ level: 'silent' }));
  const pool = new pg.Pool({ connectionString: postgres.url, max: 5 });
  pool.on('error', () => {});
  // One that is being closed while Postgres ends says so, too.
  pool.on('connect', (client) => void client.on('error', () => {}));
  await migrate(pool);
  return {
    folder,
    url: postgres.url,
    pool,
    database: createDatabase(pool),
    async close() {
      await pool.end();
      postgres.stop();
      while (await readFile(join(folder, 'postgres', 'postmaster.pid')).catch(() => undefined))
        await delay(20);
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
    },
  };
}
