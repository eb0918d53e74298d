import type pg from 'pg';
import { AppError } from '../errors.ts';
import { acquireAdvisoryLock } from './advisory-lock.ts';
import { MIGRATIONS } from './migrations.ts';

/** An arbitrary number of ours: relays that start at once migrate one after the other. */
const MIGRATION_LOCK = 7420_0001;

/**
 * Brings the tables to this version's shape: each step once, in its own transaction, by one relay at a time.
 * @param upTo the version to stop at
 * @throws {AppError} `not_ready` where a newer version of the relay has brought them further than this one knows
 */
export async function migrate(pool: pg.Pool, upTo = MIGRATIONS.length): Promise<void> {
  const client = await pool.connect();
  try {
    await acquireAdvisoryLock(client, '$1', [MIGRATION_LOCK]);
    await client.query(
      'CREATE SCHEMA IF NOT EXISTS handoff; CREATE TABLE IF NOT EXISTS handoff.migrations (version integer PRIMARY KEY)',
    );
    const { rows } = await client.query<{ version: number | null }>(
      'SELECT max(version) AS version FROM handoff.migrations',
    );
    const current = rows[0]?.version ?? 0;
    if (current > MIGRATIONS.length) {
      throw new AppError('not_ready', 'A newer version of the relay has used this database.', {
        nextAction: 'Update Handoff: what a newer version has written, an older one would damage.',
      });
    }
    for (let version = current + 1; version <= upTo; version++) {
      await client.query('BEGIN');
      await client.query(MIGRATIONS[version - 1] ?? '');
      await client.query('INSERT INTO handoff.migrations VALUES ($1)', [version]);
      await client.query('COMMIT');
    }
  } finally {
    await client.query('SELECT pg_advisory_unlock_all()').catch(() => {});
    client.release(true);
  }
}
