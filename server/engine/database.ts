import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../errors.ts';

/**
 * The relay's tables, through a connection that may break at any time and on a disk that may be full. What is asked is asked again
 * until the database does it, so everything that is asked must be safe to repeat: appends are keyed, updates set what they find.
 */
export interface Database {
  /** Throws `not_ready` where the database stays away, `disk_full` where it has no room. */
  query<Row extends pg.QueryResultRow>(
    query: pg.QueryConfig | string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
  /** Commits what `work` did, or nothing of it. `work` is run again where the connection broke; what it throws itself is not. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  /** Reads everything as it is at one instant. `work` may be run again, as in a transaction. */
  snapshot<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
}

/** What keeps the database from doing anything, and passes: it cannot be reached, or has no room. */
export type Trouble = 'away' | 'full';

/** How long (ms) each trouble is waited out before whoever asked is told. */
export type Patience = Record<Trouble, number>;

/** A person waits for a database that restarts; a full disk is for them to empty, so they hear of it soon. */
export const OF_A_PERSON: Patience = { away: 60_000, full: 5000 };
/** A turn waits until the database is back, or has room again. */
export const OF_A_TURN: Patience = { away: Infinity, full: Infinity };

const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 1000;

/** @param onTrouble hears of every try that fails by a trouble, and (undefined) of one that succeeds after that */
export function createDatabase(
  pool: pg.Pool,
  patience: Patience = OF_A_PERSON,
  onTrouble: (trouble: Trouble | undefined) => void = () => {},
): Database {
  let isTroubled = false;

  async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const begun = Date.now();
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        const result = await attempt();
        if (isTroubled) onTrouble(undefined);
        isTroubled = false;
        return result;
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        isTroubled = true;
        onTrouble(error.trouble);
        if (Date.now() + wait > begun + patience[error.trouble]) throw FAILURES[error.trouble](error.cause);
        await delay(wait);
      }
    }
  }

  return {
    query: <Row extends pg.QueryResultRow>(query: pg.QueryConfig | string, values?: unknown[]) =>
      patiently(() =>
        pool.query<Row>(query as string, values).catch((error: unknown) => {
          const trouble = troubleOf(error);
          throw trouble ? new Passing(trouble, error) : error;
        }),
      ),
    transaction: (work) => patiently(() => inTransaction(pool, 'BEGIN', work)),
    snapshot: (work) =>
      patiently(() => inTransaction(pool, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work)),
  };
}

/** Marks a failure of the database, not of what was asked. */
class Passing extends Error {
  readonly trouble: Trouble;
  constructor(trouble: Trouble, cause: unknown) {
    super(`the database is ${trouble}`, { cause });
    this.trouble = trouble;
  }
}

/**
 * By Postgres's error codes. Away: class 08 (connection exception), 57P01 to 57P03 (shutting down, crashed, starting up) and 53300
 * (too many connections), 57014 (cancelled by whoever may), 40001, 40P01 and 55P03 (others were in the way); and all that did not come from Postgres at all, which is the driver failing to reach it. Full: 53100
 * (disk full), 53200 (out of memory) and 58030 (input or output failed).
 */
function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof pg.DatabaseError)) return 'away';
  if (/^(08|57P0[123]|57014|53300|40001|40P01|55P03)/.test(error.code ?? '')) return 'away';
  return /^(53100|53200|58030)$/.test(error.code ?? '') ? 'full' : undefined;
}

async function inTransaction<T>(
  pool: pg.Pool,
  begin: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw new Passing('away', error);
  });
  let isBroken = false;
  // An idle client in a transaction whose connection breaks says so by this event; the next query says it too.
  const ignore = (): void => {};
  client.on('error', ignore);
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    isBroken = await client.query('ROLLBACK').then(
      () => false,
      () => true,
    );
    if (error instanceof AppError) throw error;
    if (isBroken) throw new Passing('away', error);
    const trouble = error instanceof pg.DatabaseError ? troubleOf(error) : undefined;
    throw trouble ? new Passing(trouble, error) : error;
  } finally {
    client.off('error', ignore);
    client.release(isBroken);
  }
}

const FAILURES: Record<Trouble, (cause: unknown) => AppError> = {
  away: (cause) =>
    new AppError('not_ready', 'The relay’s database does not answer.', {
      cause,
      nextAction: 'Try again in a moment; the relay log says more.',
    }),
  full: (cause) =>
    new AppError('disk_full', 'The relay’s database has no room to write.', {
      cause,
      nextAction:
        'Free space on the disk that has the relay’s data, then try again. What runs waits and goes on by itself.',
    }),
};
