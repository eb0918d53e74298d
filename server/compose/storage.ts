import pg from 'pg';
import type { Logger } from 'pino';
import { type Config, loadHostId, loadRelayId } from '../config.ts';
import { createDatabase, OF_A_PERSON, OF_A_TURN } from '../engine/database.ts';
import { createKillPoints } from '../engine/kill-points.ts';
import { listen } from '../engine/notices.ts';
import { startEmbeddedPostgres } from '../engine/postgres.ts';
import { migrate } from '../engine/schema.ts';
import { createTroubles } from '../housekeeping/troubles.ts';
import type { TaskState } from '../protocol/task.ts';
import { createEventLog } from '../tasks/event-log.ts';
import { createTaskStore } from '../tasks/postgres-store.ts';
import { createTaskStates } from '../tasks/task-states.ts';
import type { Teardown } from '../teardown.ts';

/** Everything that is kept in Postgres, and how to get at it. */
export type Storage = Awaited<ReturnType<typeof openStorage>>;

/** Connections for the relay and DBOS together; embedded Postgres allows 60. */
const POOL_SIZE = 20;

/**
 * Milliseconds. A database that vanished says nothing: what waits for its answer is given up and asked anew. Longer than anything
 * that is asked here takes, the wait for a task that is held included.
 */
const PATIENCE = {
  keepAlive: true,
  keepAliveInitialDelayMillis: 5000,
  connectionTimeoutMillis: 10_000,
  query_timeout: 120_000,
};

/**
 * Starts the database where it is the relay's own, brings its tables to this version's shape, and opens the log and the store.
 *
 * The pool is left to the end of the process, and with it the connections that tools in flight hold: an append finds Postgres
 * ending, waits for it, and is made by the next relay instead.
 */
export async function openStorage(config: Config, logger: Logger, teardown: Teardown) {
  const { dataDir, workDir, env } = config;
  const now = (): number => Date.now();
  const postgres = config.databaseUrl ? undefined : await startEmbeddedPostgres(dataDir, env, logger);
  teardown.add(() => postgres?.stop());
  const url = config.databaseUrl ?? postgres?.url ?? '';
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE, ...PATIENCE });
  pool.on('error', (error) => logger.warn({ err: error }, 'a database connection was lost'));
  await migrate(pool);
  const notices = await listen(url);
  teardown.add(() => notices.close());

  // A person who waits for an answer is told that the database is away; a turn waits until it is back.
  const troubles = createTroubles([workDir]);
  const database = createDatabase(pool, OF_A_PERSON, troubles.watchDatabase());
  const patient = createDatabase(pool, OF_A_TURN, troubles.watchDatabase());
  const killPoints = createKillPoints(config.killPoints);
  const log = createEventLog(database, notices, now);
  const turnLog = killPoints.log(createEventLog(patient, notices, now));
  const cachedStates = new Map<string, TaskState>();
  return {
    url,
    origin: postgres?.origin ?? 'external',
    pool,
    notices,
    troubles,
    killPoints,
    now,
    cachedStates,
    /** For requests. */
    database,
    log,
    store: killPoints.store(createTaskStore(database, now)),
    states: createTaskStates(log, cachedStates),
    /** The same for turns. */
    patient,
    turnLog,
    turnStore: killPoints.store(createTaskStore(patient, now)),
    turnStates: createTaskStates(turnLog, cachedStates),
    relayId: await loadRelayId(config),
    host: await loadHostId(config),
  };
}
