import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Claims, createClaims } from '../../../server/engine/claims.ts';
import { createDatabase, OF_A_PERSON } from '../../../server/engine/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../server/engine/postgres.ts';
import { migrate } from '../../../server/engine/schema.ts';

describe('claims', function () {
  this.timeout(60_000);
  let data: string;
  let postgres: EmbeddedPostgres;
  let pool: pg.Pool;

  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'handoff-claims-'));
    await chmod(data, 0o711);
    postgres = await startEmbeddedPostgres(data, process.env, { warn: () => {}, error: () => {} });
    pool = new pg.Pool({ connectionString: postgres.url });
    pool.on('error', () => {});
    // One that is being closed while Postgres ends says so, too.
    pool.on('connect', (client) => void client.on('error', () => {}));
    await migrate(pool);
  });
  beforeEach(async () => {
    await pool.query(`TRUNCATE handoff.tasks, handoff.turns, handoff.relays CASCADE;
      INSERT INTO handoff.relays (relay_id, host, version, format) VALUES ('a', 'one', '1', 1), ('b', 'one', '1', 1)`);
  });
  after(async () => {
    await pool.end();
    postgres.stop();
    await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  const claimsOf = (relayId: string, limits = { turns: 10, turnsPerOwner: 10 }, host = 'one'): Claims =>
    createClaims(createDatabase(pool, OF_A_PERSON), { relayId, host, limits });

  /** A task with a waiting turn of the same name. */
  const waiting = async (name: string, { owner = 'owner', host = null as string | null } = {}) => {
    await pool.query(
      `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, owner, host)
       VALUES ($1, $1, 1, 1, '{}', '[]', $2, $3)`,
      [name, owner, host],
    );
    await pool.query('INSERT INTO handoff.turns (turn_id, task_id, created_at) VALUES ($1, $1, 1)', [name]);
  };
  const claim = (turnId: string, epoch: number) => ({ taskId: turnId, turnId, epoch, format: 1 });

  it('give each turn to one relay, first come first served', async () => {
    for (const name of ['t1', 't2', 't3']) await waiting(name);
    const given = await Promise.all(['a', 'b', 'a'].map((relay) => claimsOf(relay).next(['t1', 't2', 't3'])));
    assert.deepEqual(given.map((found) => found?.turnId).sort(), ['t1', 't2', 't3']);
    assert.equal(await claimsOf('a').next(['t1', 't2', 't3']), undefined);
  });

  it('give again, under a new number, what was given in an answer that never came', async () => {
    await waiting('t1');
    assert.deepEqual(await claimsOf('a').next([]), claim('t1', 1));
    assert.equal(await claimsOf('b').next([]), undefined, 'to nobody else');
    assert.deepEqual(await claimsOf('a', { turns: 1, turnsPerOwner: 1 }).next([]), claim('t1', 2));
    assert.equal(await claimsOf('a').next(['t1']), undefined, 'and not what it runs');
  });

  it('hold the limits for all and for each person, over relays', async () => {
    const limits = { turns: 3, turnsPerOwner: 1 };
    await waiting('t1', { owner: 'ada' });
    await waiting('t2', { owner: 'ada' });
    for (const owner of ['ben', 'cy', 'dot']) await waiting(owner, { owner });
    const given: (string | undefined)[] = [];
    for (const relay of ['a', 'b', 'a', 'b'])
      given.push((await claimsOf(relay, limits).next(['t1', 'cy']))?.turnId);
    assert.deepEqual(
      given,
      ['t1', 'ben', 'cy', 'ben'],
      'the last is what b has and did not say that it runs',
    );
  });

  it('go to relays of the machine that has the task, and to none that was not seen lately', async () => {
    await waiting('t1', { host: 'two' });
    assert.equal(await claimsOf('a').next([]), undefined);
    await pool.query(`UPDATE handoff.relays SET seen_at = now() - interval '1 minute' WHERE relay_id = 'b'`);
    assert.equal(await claimsOf('b', undefined, 'two').next([]), undefined);
    await pool.query(`UPDATE handoff.relays SET seen_at = now() WHERE relay_id = 'b'`);
    assert.deepEqual(await claimsOf('b', undefined, 'two').next([]), claim('t1', 1));
  });

  it('are given back by a relay that dies, or that nobody knows any more, and fenced by that', async () => {
    for (const name of ['t1', 't2']) await waiting(name);
    await claimsOf('a').next(['t2']);
    await claimsOf('b').next(['t1']);
    assert.equal(await claimsOf('b').release('a'), 1);
    await pool.query(`DELETE FROM handoff.relays WHERE relay_id = 'b'`);
    await claimsOf('a').releaseLost();
    const { rows } = await pool.query(
      'SELECT turn_id, state, relay, epoch FROM handoff.turns ORDER BY turn_id',
    );
    assert.deepEqual(rows, [
      { turn_id: 't1', state: 'waiting', relay: null, epoch: 2 },
      { turn_id: 't2', state: 'waiting', relay: null, epoch: 2 },
    ]);
  });

  it('are handed back only by who has them', async () => {
    await waiting('t1');
    const first = await claimsOf('a').next([]);
    assert.ok(first);
    await claimsOf('b').release('a');
    const second = await claimsOf('b').next([]);
    await claimsOf('a').handBack(first);
    const state = async () => (await pool.query(`SELECT state, relay FROM handoff.turns`)).rows;
    assert.deepEqual(await state(), [{ state: 'running', relay: 'b' }]);
    assert.ok(second);
    await claimsOf('b').handBack(second);
    assert.deepEqual(await state(), [{ state: 'waiting', relay: null }]);
  });

  it('have events whose keys compare byte by byte, in whatever language the database sorts', async () => {
    await pool.query(
      `CREATE DATABASE english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'`,
    );
    const english = new pg.Pool({ connectionString: postgres.url.replace(/\/handoff$/, '/english') });
    english.on('connect', (client) => void client.on('error', () => {}));
    try {
      await migrate(english);
      const { rows: sorted } = await english.query(`SELECT 'u1:m1' < 'u1;' AS "isBefore"`);
      assert.deepEqual(sorted, [{ isBefore: false }], 'the database is one that would go wrong');
      await english.query(`INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay)
        VALUES ('t', 't', 1, 1, '{}', '[]');
        INSERT INTO handoff.events VALUES ('t', 1, 'u1:m1c0:asked', 1, 'question.asked', '{}')`);
      const { rowCount } = await english.query(
        `SELECT 1 FROM handoff.events WHERE task_id = 't' AND key >= 'u1:' AND key < 'u1;'`,
      );
      assert.equal(rowCount, 1);
    } finally {
      await english.end();
    }
  });
});
