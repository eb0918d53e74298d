import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { AppError } from '../errors.ts';

/**
 * The relay's tables, through a connection that may break at any time. What is asked is asked again until the database
 * answers, so everything that is asked must be safe to repeat: appends are keyed, updates set what they find.
 */
export interface Database {
  /** Throws `not_ready` where the database stays away. */
  query<Row extends pg.QueryResultRow>(
    query: pg.QueryConfig | string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
  /** Commits what `work` did, or nothing of it. `work` is run again where the connection broke; what it throws itself is not. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
}

/** How long (ms) a database may be away before what waits for it gives up, and how often it is asked meanwhile. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 1000;

export function createDatabase(pool: pg.Pool, patienceMs = PATIENCE_MS): Database {
  async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + patienceMs;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (Date.now() + wait > deadline) throw away(error.cause);
        await delay(wait);
      }
    }
  }

  return {
    query: <Row extends pg.QueryResultRow>(query: pg.QueryConfig | string, values?: unknown[]) =>
      patiently(() =>
        pool.query<Row>(query as string, values).catch((error: unknown) => {
          throw isConnectionFailure(error) ? new ConnectionLost(error) : error;
        }),
      ),
    transaction: (work) => patiently(() => inTransaction(pool, work)),
  };
}

/** Marks a failure of the connection, not of what was asked. */
class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('the connection to the database was lost', { cause });
  }
}

/**
 * Classes 08 (connection exception), 57P01 to 57P03 (shutting down, crashed, starting up) and 53300 (too many connections) of
 * Postgres's error codes; and all that did not come from Postgres at all, which is the driver failing to reach it.
 */
function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return /^(08|57P0[123]|53300)/.test(error.code ?? '');
}

async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw new ConnectionLost(error);
  });
  let isBroken = false;
  // An idle client in a transaction whose connection breaks says so by this event; the next query says it too.
  const ignore = (): void => {};
  client.on('error', ignore);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    isBroken = await client.query('ROLLBACK').then(
      () => false,
      () => true,
    );
    throw isBroken && !(error instanceof AppError) ? new ConnectionLost(error) : error;
  } finally {
    client.off('error', ignore);
    client.release(isBroken);
  }
}

function away(cause: unknown): AppError {
  return new AppError('not_ready', 'The relay’s database does not answer.', {
    cause,
    nextAction: 'Try again in a moment; the relay log says more.',
  });
}
