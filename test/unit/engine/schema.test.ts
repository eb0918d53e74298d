import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { MIGRATIONS } from '../../../server/engine/migrations.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../server/engine/postgres.ts';
import { migrate } from '../../../server/engine/schema.ts';

describe('the schema', function () {
  this.timeout(60_000);
  let data: string;
  let postgres: EmbeddedPostgres;
  let pool: pg.Pool;

  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'handoff-schema-'));
    await chmod(data, 0o711);
    postgres = await startEmbeddedPostgres(data, process.env, { warn: () => {}, error: () => {} });
    pool = new pg.Pool({ connectionString: postgres.url });
    pool.on('error', () => {});
    // One that is being closed while Postgres ends says so, too.
    pool.on('connect', (client) => void client.on('error', () => {}));
  });
  beforeEach(async () => {
    await pool.query('DROP SCHEMA IF EXISTS handoff CASCADE');
  });
  after(async () => {
    await pool.end();
    postgres.stop();
    await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  const versions = async (): Promise<number[]> =>
    (await pool.query<{ version: number }>('SELECT version FROM handoff.migrations ORDER BY 1')).rows.map(
      ({ version }) => version,
    );

  it('is made once, however many relays begin at the same time', async () => {
    await Promise.all([migrate(pool), migrate(pool), migrate(pool)]);
    assert.deepEqual(
      await versions(),
      MIGRATIONS.map((_, index) => index + 1),
    );
  });

  it('takes the first version’s tasks along: an open turn waits to be gone on with, an ended one has ended', async () => {
    await migrate(pool, 1);
    await pool.query(`
      INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, active_turn)
        VALUES ('task', 'client', 1, 1, '{}', '[]', 'open');
      INSERT INTO handoff.turns (turn_id, task_id, created_at, ended) VALUES ('over', 'task', 1, true), ('open', 'task', 2, false)`);
    await migrate(pool);
    const { rows: turns } = await pool.query(
      'SELECT turn_id, state, epoch, format, relay FROM handoff.turns ORDER BY place',
    );
    assert.deepEqual(turns, [
      { turn_id: 'over', state: 'ended', epoch: 0, format: 1, relay: null },
      { turn_id: 'open', state: 'waiting', epoch: 0, format: 1, relay: null },
    ]);
    const { rows: tasks } = await pool.query('SELECT owner, host, active_turn FROM handoff.tasks');
    assert.deepEqual(tasks, [{ owner: 'owner', host: null, active_turn: 'open' }]);
  });

  it('is left alone by a relay that is older than it', async () => {
    await migrate(pool);
    await pool.query('INSERT INTO handoff.migrations VALUES (1000)');
    await assert.rejects(migrate(pool), { name: 'AppError', code: 'not_ready' });
  });
});
