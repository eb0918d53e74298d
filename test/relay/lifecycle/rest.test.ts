import assert from 'node:assert/strict';
import type pg from 'pg';
import { type ProviderState, SandboxError } from '../../../server/sandbox/sandbox.ts';
import { type Garage, IDLE_MS, LIFETIME_MS, openGarage, openPostgres } from './garage.ts';

describe('a machine that nobody needs', function () {
  this.timeout(60_000);
  let pool: pg.Pool;
  let close: () => Promise<void>;
  let garage: Garage;
  before(async () => {
    ({ pool, close } = await openPostgres());
  });
  after(() => close());
  beforeEach(async () => {
    garage = await openGarage(pool);
    await garage.addTask('t');
    await garage.machines.open('t');
    garage.vendor.asked.length = 0;
  });

  const stateOf = async (): Promise<string | undefined> => (await garage.store.get('t'))?.state;
  const machine = () => {
    const found = garage.vendor.machines.get('m1');
    assert.ok(found);
    return found;
  };

  it('falls asleep after its idle time, and not before', async () => {
    garage.pass(IDLE_MS - 1);
    await garage.rest.sweep();
    assert.deepEqual(garage.vendor.asked, []);
    garage.pass(1);
    await garage.rest.sweep();
    assert.deepEqual(garage.vendor.asked, ['state m1', 'resume m1', 'kill m1 ', 'hibernate m1']);
    assert.equal(await stateOf(), 'hibernated');
  });

  it('does not while a turn works in it, or has left something to look after', async () => {
    const end = await garage.runTurn('t');
    garage.pass(IDLE_MS);
    await pool.query('UPDATE handoff.tasks SET sleep_at = 1');
    await garage.rest.sweep();
    await end();
    await pool.query(`UPDATE handoff.turns SET aftermath_due = true`);
    garage.pass(IDLE_MS);
    await garage.rest.sweep();
    assert.deepEqual(garage.vendor.asked, []);
  });

  it('lets a message wait that comes while it falls asleep, and is then woken for it', async () => {
    garage.pass(IDLE_MS);
    const falling = garage.vendor.hold('hibernate');
    const sweep = garage.rest.sweep();
    await falling.reached;
    assert.equal(await stateOf(), 'hibernating');
    await garage.runTurn('t');
    const opening = garage.openRelay().machines.open('t');
    assert.equal(garage.vendor.asked.at(-1), 'hibernate m1');
    falling.release();
    await sweep;
    await opening;
    assert.deepEqual(garage.vendor.asked.slice(-2), ['hibernate m1', 'resume m1']);
    assert.deepEqual(await garage.told('t'), ['hibernating', 'hibernated', 'resuming', 'running']);
  });

  it('is put to sleep by one of two relays that look at once', async () => {
    garage.pass(IDLE_MS);
    await Promise.all([garage.rest.sweep(), garage.openRelay().rest.sweep()]);
    assert.deepEqual(
      garage.vendor.asked.filter((request) => request.startsWith('hibernate')),
      ['hibernate m1'],
    );
  });

  it('is left to whoever took it over while this relay slept in the middle of it', async () => {
    garage.pass(IDLE_MS);
    const attaching = garage.vendor.hold('resume');
    const sweep = garage.rest.sweep();
    await attaching.reached;
    await garage.runTurn('t');
    // Long after its last sign of life.
    garage.pass(60_000);
    await garage.openRelay().machines.open('t');
    assert.equal(await stateOf(), 'running');
    garage.vendor.asked.length = 0;
    attaching.release();
    await sweep;
    assert.deepEqual(garage.vendor.asked, [], 'neither killed nor stopped');
    assert.deepEqual([await stateOf(), machine().state], ['running', 'running']);
  });

  it('keeps nothing of its last sleep once it runs, whoever started it', async () => {
    garage.pass(IDLE_MS);
    await garage.rest.sweep();
    machine().state = 'running';
    garage.pass(10 * 60_000 + 1);
    await garage.watch();
    const { state, asleepTree } = (await garage.store.get('t')) ?? {};
    assert.deepEqual({ state, asleepTree }, { state: 'running', asleepTree: null });
  });

  it('is tried again a minute later where it could not be put to sleep', async () => {
    garage.pass(IDLE_MS);
    garage.vendor.failures.push(new SandboxError('busy', 'The provider does not answer.'));
    await garage.rest.sweep();
    assert.equal(await stateOf(), 'running');
    garage.pass(59_000);
    await garage.rest.sweep();
    assert.equal(await stateOf(), 'running');
    garage.pass(1000);
    await garage.rest.sweep();
    assert.equal(await stateOf(), 'hibernated');
  });

  it('is brought to its rest by another relay where the first was killed on the way', async () => {
    const seen = await garage.store.get('t');
    await garage.store.change('t', seen, { state: 'hibernating' });
    garage.pass(10_000);
    await garage.watch();
    assert.equal(await stateOf(), 'hibernating', 'it may yet be at work');
    garage.pass(10_000);
    await garage.watch();
    assert.equal(await stateOf(), 'hibernated');
    assert.equal(machine().state, 'hibernated');
  });

  it('is taken for what its provider says: stopped, started, deleted by others', async () => {
    const looked = async (state: ProviderState) => {
      machine().state = state;
      garage.pass(10 * 60_000 + 1);
      await garage.watch();
      return stateOf();
    };
    assert.deepEqual(
      [await looked('hibernated'), await looked('running'), await looked('gone')],
      ['hibernated', 'running', 'lost'],
    );
    assert.deepEqual(await garage.told('t'), [
      'hibernated: The provider says: hibernated',
      'running: The provider says: running',
      'lost: The provider says: gone',
    ]);
  });

  it('is left as it is while the provider does not answer', async () => {
    garage.pass(60_001);
    garage.vendor.failures.push(new SandboxError('busy', 'The provider does not answer.'));
    await garage.watch();
    assert.equal(await stateOf(), 'running');
    assert.deepEqual(await garage.told('t'), []);
  });

  it('is kept alive at its provider while a turn works in it', async () => {
    await garage.runTurn('t');
    for (let minute = 0; minute < 3; minute++) {
      garage.pass(60_001);
      await garage.watch();
    }
    assert.deepEqual(garage.vendor.asked, ['keep alive m1', 'keep alive m1', 'keep alive m1']);
  });

  it('has to rest when it has run for its lifetime: its turn is stopped, and it hibernates', async () => {
    const end = await garage.runTurn('t');
    garage.pass(LIFETIME_MS + 1);
    await garage.watch();
    garage.pass(60_001);
    await garage.watch();
    const { rows } = await pool.query(`SELECT body FROM handoff.events WHERE type = 'environment.noted'`);
    assert.deepEqual(rows, [
      { body: { text: 'The task’s machine has run for 24 h without a rest, and hibernates now.' } },
    ]);
    await end();
    garage.pass(60_001);
    await garage.watch();
    await garage.rest.sweep();
    assert.equal(await stateOf(), 'hibernated', 'without its idle time');
  });
});
