import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { createDatabase, OF_A_PERSON } from '../../../server/engine/database.ts';
import { startEmbeddedPostgres } from '../../../server/engine/postgres.ts';
import { migrate } from '../../../server/engine/schema.ts';
import { createSpawnBreaker } from '../../../server/sandbox/lifecycle/breaker.ts';
import type { Contents } from '../../../server/sandbox/lifecycle/contents.ts';
import { createGiveBack } from '../../../server/sandbox/lifecycle/give-back.ts';
import { createMachineStore } from '../../../server/sandbox/lifecycle/machine-store.ts';
import { createMachines } from '../../../server/sandbox/lifecycle/machines.ts';
import { createRest } from '../../../server/sandbox/lifecycle/rest.ts';
import { createMachineWatch } from '../../../server/sandbox/lifecycle/watch.ts';
import type { SandboxError } from '../../../server/sandbox/sandbox.ts';
import { APPEND_EVENTS, appendValues, type KeyedEvent } from '../../../server/tasks/event-log.ts';
import { sandboxVendor } from '../../fakes/sandbox-vendor.ts';

export const IDLE_MS = 600_000;
export const LIFETIME_MS = 24 * 3_600_000;

/** Real Postgres, for as long as a suite takes. */
export async function openPostgres(): Promise<{ pool: pg.Pool; close(): Promise<void> }> {
  const data = await mkdtemp(join(tmpdir(), 'handoff-lifecycle-'));
  await chmod(data, 0o711);
  const postgres = await startEmbeddedPostgres(data, process.env, { warn: () => {}, error: () => {} });
  const pool = new pg.Pool({ connectionString: postgres.url });
  pool.on('error', () => {});
  // One that is being closed while Postgres ends says so, too.
  pool.on('connect', (client) => void client.on('error', () => {}));
  await migrate(pool);
  return {
    pool,
    async close() {
      await pool.end();
      postgres.stop();
      await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
    },
  };
}

export type Garage = Awaited<ReturnType<typeof openGarage>>;

/** All that looks after machines, over a vendor that does as it is told; what is in the machines is played, and time stands still. */
export async function openGarage(pool: pg.Pool) {
  await pool.query('TRUNCATE handoff.tasks CASCADE');
  const database = createDatabase(pool, OF_A_PERSON);
  const vendor = sandboxVendor();
  let time = 1_000_000_000_000;
  const now = (): number => time;
  const played: { found: Awaited<ReturnType<Contents['check']>>; tree: string; bring?: SandboxError } = {
    found: 'same',
    tree: 'a'.repeat(40),
  };
  const brought: string[] = [];
  const stopped: string[] = [];
  const contents: Contents = {
    async bring(_taskId, { generation }, { ref }) {
      if (played.bring) throw played.bring;
      brought.push(`${ref.id} generation ${generation}`);
    },
    check: async () => played.found,
    keep: async () => played.tree,
  };
  const store = createMachineStore(database, now, IDLE_MS);
  const logger = pino({ level: 'silent' });
  const providerOf = async () => vendor.provider;
  const surroundings = {
    spec: async (taskId: string) => ({ taskId }),
    ready: async () => {},
    notes: () => [],
    hide: (_taskId: string, text: string) => text,
    dress: async <T>(_taskId: string, sandbox: T) => sandbox,
    serve: async () => {},
    forgetFork: () => {},
  };
  /** As another relay process on the same database has it. */
  const openRelay = () => {
    const machines = createMachines({
      provider: vendor.provider,
      providerOf,
      store,
      contents,
      surroundings,
      breaker: createSpawnBreaker(now),
      prebuilds: { find: async () => undefined, spoilt: async () => {} },
      now,
      logger,
    });
    const shared = { database, store, providerOf, forget: machines.forget, host: 'here', now, logger };
    const rest = createRest({ ...shared, contents });
    const tell = (taskId: string, { key, event }: KeyedEvent) =>
      database.query(APPEND_EVENTS, appendValues(taskId, null, now(), [{ key, event }]));
    const stopTurn = async (taskId: string) => void stopped.push(taskId);
    const watch = createMachineWatch({ ...shared, rest, tell, stopTurn, lifetimeMs: LIFETIME_MS });
    return { machines, rest, watch, giveBack: createGiveBack(shared) };
  };

  return {
    ...openRelay(),
    openRelay,
    vendor,
    store,
    played,
    brought,
    stopped,
    pass: (ms: number): void => {
      time += ms;
    },
    async addTask(taskId: string): Promise<void> {
      await pool.query(
        `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, host)
         VALUES ($1, $1, 1, 1, '{}', '[]', 'here')`,
        [taskId],
      );
    },
    /** A turn that runs, until the returned function ends it. */
    async runTurn(taskId: string): Promise<() => Promise<void>> {
      await pool.query(
        `INSERT INTO handoff.turns (turn_id, task_id, created_at, state) VALUES ($1, $1, 1, 'running')`,
        [taskId],
      );
      await pool.query('UPDATE handoff.tasks SET active_turn = $1, sleep_at = NULL WHERE task_id = $1', [
        taskId,
      ]);
      return async () => {
        await pool.query(`UPDATE handoff.turns SET state = 'ended' WHERE turn_id = $1`, [taskId]);
        await pool.query('UPDATE handoff.tasks SET active_turn = NULL, sleep_at = $2 WHERE task_id = $1', [
          taskId,
          now() + IDLE_MS,
        ]);
      };
    },
    /** What the person was told of the task's machine. */
    async told(taskId: string): Promise<string[]> {
      const { rows } = await pool.query<{ body: { state: string; detail?: string } }>(
        `SELECT body FROM handoff.events WHERE task_id = $1 AND type = 'sandbox.changed' ORDER BY seq`,
        [taskId],
      );
      return rows.map(({ body }) => [body.state, body.detail].filter(Boolean).join(': '));
    },
  };
}
