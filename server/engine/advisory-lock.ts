import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { AppError } from '../errors.ts';

/** How often (ms) to ask for a lock that somebody else has, and how long. */
const ASK_EVERY_MS = 100;
const PATIENCE_MS = 120_000;

/**
 * Takes a session's advisory lock, waiting for whoever has it. By asking again and again: a session that waits in the
 * database holds a snapshot, for which DBOS's migrations (CREATE INDEX CONCURRENTLY) wait in turn.
 * @param key an expression of SQL for the lock's number, over `values`
 * @throws {AppError} `not_ready` where the lock is not given back in time
 */
export async function acquireAdvisoryLock(
  client: pg.ClientBase,
  key: string,
  values: unknown[],
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await tryAdvisoryLock(client, key, values))) {
    if (Date.now() > deadline) {
      throw new AppError(
        'not_ready',
        'Another relay holds a lock in the database and does not give it back.',
        {
          nextAction: 'End the other relay of that name or version, then start again.',
        },
      );
    }
    await delay(ASK_EVERY_MS);
  }
}

/** @returns whether the session has the lock now */
export async function tryAdvisoryLock(
  client: pg.ClientBase,
  key: string,
  values: unknown[],
): Promise<boolean> {
  const { rows } = await client.query<{ ok: boolean }>(`SELECT pg_try_advisory_lock(${key}) AS ok`, values);
  return rows[0]?.ok ?? false;
}
