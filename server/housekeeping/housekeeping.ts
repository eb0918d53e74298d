import type pg from 'pg';
import type { Logger } from 'pino';
import { tryAdvisoryLock } from '../engine/advisory-lock.ts';
import { every, type Repeating } from '../engine/every.ts';

/** One kind of thing that nobody needs any more. Safe to repeat and to be cut off, and does a bounded part of its work. */
export interface Chore {
  name: string;
  /** `database`: one relay of all does it at a time. `machine`: each does it for its own files. */
  scope: 'database' | 'machine';
  /** @returns how many were removed, and whether there may be more */
  run(): Promise<{ removed: number; isMore: boolean }>;
}

/** How often (ms) it is looked whether a sweep is due, and how long it is from one to the next where nothing was left. */
const LOOK_MS = 60_000;
const REST_MS = 3_600_000;

/** An arbitrary number of ours. */
const SWEEP_LOCK = 7420_0004;

export interface HousekeepingDeps {
  pool: pg.Pool;
  chores: readonly Chore[];
  logger: Pick<Logger, 'info' | 'warn'>;
}

/** Sweeps a minute from now and then hourly; sooner where a sweep did not come to its end. */
export function keepHouse(deps: HousekeepingDeps, now: () => number): Repeating {
  let due = 0;
  return every(
    LOOK_MS,
    async () => {
      if (now() < due) return;
      const { isMore } = await sweep(deps);
      due = isMore ? 0 : now() + REST_MS;
    },
    (error) => deps.logger.warn({ err: error }, 'housekeeping could not be done'),
  );
}

/** Does every chore once; one that fails leaves the others to be done. @returns whether there may be more to do at once */
export async function sweep({ pool, chores, logger }: HousekeepingDeps): Promise<{ isMore: boolean }> {
  let isMore = false;
  const doAll = async (scope: Chore['scope']): Promise<void> => {
    for (const chore of chores.filter((one) => one.scope === scope)) {
      try {
        const done = await chore.run();
        isMore ||= done.isMore;
        if (done.removed > 0) logger.info({ chore: chore.name, removed: done.removed }, 'swept');
      } catch (error) {
        logger.warn({ chore: chore.name, err: error }, 'a chore failed');
      }
    }
  };
  await whileAlone(pool, () => doAll('database')).catch((error: unknown) =>
    logger.warn({ err: error }, 'the database could not be swept'),
  );
  await doAll('machine');
  return { isMore };
}

/** Runs `work` unless another relay is at it; a relay that dies in the middle lets go of it. */
async function whileAlone(pool: pg.Pool, work: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  let isBroken = false;
  const onError = (): void => {
    isBroken = true;
  };
  client.on('error', onError);
  try {
    if (!(await tryAdvisoryLock(client, '$1', [SWEEP_LOCK]))) return;
    try {
      await work();
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [SWEEP_LOCK]).catch(onError);
    }
  } finally {
    client.off('error', onError);
    client.release(isBroken);
  }
}
