import assert from 'node:assert/strict';
import type pg from 'pg';
import { createDatabase, OF_A_PERSON } from '../../../server/engine/database.ts';
import { restAfterLimit } from '../../../server/sandbox/lifecycle/limits.ts';
import { SandboxError } from '../../../server/sandbox/sandbox.ts';
import { type Garage, IDLE_MS, openGarage, openPostgres } from './garage.ts';

describe('the machine of a task', function () {
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
  });

  const stateOf = async (): Promise<string | undefined> => (await garage.store.get('t'))?.state;
  /** Made, left, and asleep since. */
  async function asleep(): Promise<void> {
    await garage.machines.open('t');
    garage.pass(IDLE_MS);
    await garage.rest.sweep();
    assert.equal(await stateOf(), 'hibernated');
    garage.vendor.asked.length = 0;
  }

  it('is made once, for all who want it', async () => {
    const { machines, vendor } = garage;
    const opened = await Promise.all([machines.open('t'), machines.open('t'), machines.open('t')]);
    assert.deepEqual(new Set(opened.map(({ ref }) => ref.id)), new Set(['m1']));
    assert.deepEqual(vendor.asked, ['create m1']);
    assert.deepEqual(garage.brought, ['m1 generation 1']);
    assert.equal(await stateOf(), 'running');
  });

  it('is the same one after a kill between making it and remembering it', async () => {
    const { machines, vendor, store } = garage;
    // As the killed relay left it: the intent, and a machine at the vendor.
    await store.change('t', undefined, { state: 'provisioning', isSilent: true });
    await vendor.provider.create({ taskId: 't' });
    assert.deepEqual((await machines.open('t')).ref, { provider: 'vendor', id: 'm1' });
    assert.equal(vendor.machines.size, 1);
  });

  it('is attached to where it runs', async () => {
    await garage.machines.open('t');
    garage.vendor.asked.length = 0;
    await garage.openRelay().machines.open('t');
    assert.deepEqual(garage.vendor.asked, ['state m1', 'resume m1']);
    assert.equal(garage.vendor.machines.get('m1')?.starts, 1);
  });

  it('sleeps when nobody needs it, and is woken with what it had', async () => {
    await asleep();
    assert.equal((await garage.store.get('t'))?.asleepTree, garage.played.tree);
    await garage.machines.open('t');
    assert.deepEqual(garage.vendor.asked, ['resume m1']);
    assert.deepEqual(await garage.told('t'), ['hibernating', 'hibernated', 'resuming', 'running']);
  });

  it('is put back to what it slept with, where it comes back with other files', async () => {
    await asleep();
    garage.played.found = 'mended';
    await garage.machines.open('t');
    assert.equal(
      (await garage.told('t')).at(-1),
      'running: It came back with other files; they were put back to what it slept with',
    );
  });

  it('is made anew where what comes back is not this task’s, and the log says so', async () => {
    await asleep();
    garage.played.found = 'other';
    garage.vendor.failures.length = 0;
    const woken = await garage.machines.open('t');
    assert.equal(woken.ref.id, 'm2');
    assert.deepEqual(garage.brought.at(-1), 'm2 generation 2');
    assert.equal(garage.vendor.machines.get('m1')?.state, 'gone');
    assert.deepEqual((await garage.told('t')).slice(2), [
      'resuming',
      'lost: What came back is not this task’s machine',
      'provisioning: Making a new machine from what was fetched last',
      'running: A new machine with the files as they were fetched last: what Git ignores, and what ran, is gone',
    ]);
  });

  it('is made anew where it was deleted behind our back, awake or asleep', async () => {
    await garage.machines.open('t');
    garage.vendor.machines.delete('m1');
    garage.vendor.machines.set('mine', { taskId: 'other', state: 'running', starts: 1 });
    const again = await garage.machines.reopen('t');
    assert.equal(again.ref.id, 'm2');
    assert.equal((await garage.store.get('t'))?.generation, 2);
    assert.match((await garage.told('t'))[0] ?? '', /^lost: /);
  });

  it('is woken where it was stopped behind our back', async () => {
    await garage.machines.open('t');
    const machine = garage.vendor.machines.get('m1');
    assert.ok(machine);
    machine.state = 'hibernated';
    assert.equal((await garage.machines.reopen('t')).ref.id, 'm1');
    assert.deepEqual(await garage.told('t'), ['resuming: It had been stopped', 'running']);
  });

  it('is asked for again once it was found lost: what was under way fails, and is not done twice', async () => {
    const sandbox = await garage.machines.open('t');
    const machine = garage.vendor.machines.get('m1');
    assert.ok(machine);
    machine.state = 'hibernated';
    const command = { execId: 'a', argv: ['true'], timeoutMs: 1, maxOutputBytes: 1 };
    await assert.rejects(sandbox.exec(command), {
      code: 'lost',
      message: /Look at what is there before you go on/,
    });
    garage.vendor.asked.length = 0;
    await garage.machines.open('t');
    assert.deepEqual(garage.vendor.asked, ['state m1', 'resume m1']);
  });

  it('stays lost for whoever only wants what is there', async () => {
    await garage.machines.open('t');
    garage.vendor.machines.delete('m1');
    assert.equal(await garage.openRelay().machines.wake('t'), undefined);
    assert.equal(await stateOf(), 'lost');
    assert.equal(garage.vendor.machines.size, 0);
  });

  it('is given back with its task, also where it was made and not remembered', async () => {
    await garage.machines.open('t');
    await garage.addTask('u');
    await garage.store.change('u', undefined, { state: 'provisioning', isSilent: true });
    await garage.vendor.provider.create({ taskId: 'u' });
    await garage.machines.destroy('t', { provider: 'vendor', id: 'm1' });
    await garage.machines.destroy('u', null);
    assert.deepEqual(
      [...garage.vendor.machines.values()].map(({ taskId, state }) => [taskId, state]),
      [
        ['t', 'gone'],
        ['u', 'gone'],
      ],
    );
    assert.equal(await stateOf(), 'archived');
  });

  it('that went past a limit sleeps, and its person is told why', async () => {
    const { store } = garage;
    await garage.machines.open('t');
    await restAfterLimit(
      { database: createDatabase(pool, OF_A_PERSON), store },
      { provider: 'vendor', id: 'm1' },
      'It is full.',
    );
    const { rows } = await pool.query('SELECT type, body FROM handoff.events ORDER BY seq');
    assert.deepEqual(rows, [
      { type: 'environment.noted', body: { text: 'It is full.' } },
      { type: 'sandbox.changed', body: { state: 'hibernated' } },
    ]);
  });

  it('of an archived task is not made', async () => {
    await pool.query('UPDATE handoff.tasks SET archived = true');
    await garage.store.change('t', undefined, { state: 'provisioning' });
    await assert.rejects(garage.machines.open('t'), { code: 'lost' });
    assert.deepEqual(garage.vendor.asked, []);
  });

  it('that wakes slowly is waited for', async () => {
    await asleep();
    const resuming = garage.vendor.hold('resume');
    const opening = garage.machines.open('t');
    await resuming.reached;
    assert.equal(await stateOf(), 'resuming');
    resuming.release();
    assert.equal((await opening).ref.id, 'm1');
  });

  it('is woken once for all who want it, in any number of relays', async () => {
    await asleep();
    const resuming = garage.vendor.hold('resume');
    const others = garage.openRelay().machines;
    const opening = [garage.machines.open('t'), garage.machines.wake('t'), garage.machines.reopen('t')];
    await resuming.reached;
    opening.push(others.open('t'), others.wake('t'));
    resuming.release();
    const opened = await Promise.all(opening);
    assert.deepEqual(
      opened.map((sandbox) => sandbox?.ref.id),
      ['m1', 'm1', 'm1', 'm1', 'm1'],
    );
    assert.deepEqual(
      garage.vendor.asked.filter((request) => request === 'resume m1').length,
      2,
      'one a relay',
    );
    assert.deepEqual((await garage.told('t')).slice(2), ['resuming', 'running']);
  });

  it('is not left running where it could not be filled: it is looked after, and sleeps', async () => {
    garage.played.bring = new SandboxError('cancelled', 'The turn was stopped.');
    await assert.rejects(garage.machines.open('t'), { code: 'cancelled' });
    assert.equal(await stateOf(), 'failed');
    garage.pass(10 * 60_000 + 1);
    await garage.watch();
    assert.equal(await stateOf(), 'running');
    garage.pass(IDLE_MS);
    await garage.rest.sweep();
    assert.equal(garage.vendor.machines.get('m1')?.state, 'hibernated');
  });

  it('is asked for with patience where the provider asks for that', async () => {
    garage.vendor.failures.push(new SandboxError('busy', 'Too many requests.'));
    assert.equal((await garage.machines.open('t')).ref.id, 'm1');
    assert.deepEqual(garage.vendor.asked, ['create m1', 'create m1']);
  });

  it('is not tried any more after three failures in five minutes, until the first of them is that old', async () => {
    const { vendor, machines } = garage;
    const busy = () => new SandboxError('busy', 'Too many requests.');
    vendor.failures.push(busy(), busy());
    await machines.open('t');
    vendor.machines.clear();
    vendor.asked.length = 0;
    await garage.addTask('u');
    for (let failed = 1; failed <= 3; failed++) {
      vendor.failures.push(
        new SandboxError('unavailable', 'The key was refused.', { nextAction: 'Set another.' }),
      );
      await assert.rejects(machines.open('u'), { code: 'unavailable', message: 'The key was refused.' });
      garage.pass(60_000);
    }
    await assert.rejects(machines.open('u'), {
      code: 'unavailable',
      message:
        '3 sandboxes in 5 minutes could not be started (vendor), so no more are tried until 01:51 UTC. The last time: The key was refused.',
      nextAction: 'Set another.',
    });
    assert.equal(vendor.asked.length, 3);
    assert.equal((await garage.store.get('u'))?.state, 'failed');
    garage.pass(2 * 60_000);
    assert.equal((await machines.open('u')).ref.id, 'm1');
  });
});
