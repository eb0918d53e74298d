import assert from 'node:assert/strict';
import type pg from 'pg';
import { SandboxError } from '../../../server/sandbox/sandbox.ts';
import { type Garage, openGarage, openPostgres } from './garage.ts';

describe('a machine whose work is done', function () {
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
    await pool.query('UPDATE handoff.machines SET unwanted = true');
    garage.vendor.asked.length = 0;
  });

  const stateOf = async () => {
    const machine = await garage.store.get('t');
    return [machine?.state, machine?.ref];
  };
  const isWanted = async (): Promise<boolean> => {
    const { rowCount } = await pool.query('SELECT 1 FROM handoff.machines WHERE unwanted');
    return rowCount === 0;
  };
  const putToSleep = async (): Promise<void> => {
    await garage.giveBack();
    await garage.rest.sweep();
  };

  it('is put to sleep at once, what is in it is kept, and it is given back', async () => {
    await putToSleep();
    await garage.giveBack();
    assert.deepEqual(garage.vendor.asked, [
      'state m1',
      'resume m1',
      'kill m1 ',
      'hibernate m1',
      'destroy m1',
    ]);
    assert.deepEqual(await stateOf(), ['archived', null]);
    assert.deepEqual(await garage.told('t'), [
      'hibernating',
      'hibernated',
      'archived: Given back: its work is done',
    ]);
    await garage.giveBack();
    assert.equal(await isWanted(), true);
    assert.equal(garage.vendor.asked.at(-1), 'destroy m1', 'once');
  });

  it('is followed by a new one for whoever goes on', async () => {
    await putToSleep();
    await garage.giveBack();
    assert.equal(await garage.machines.wake('t'), undefined, 'there is none to be looked at');
    await garage.machines.open('t');
    assert.deepEqual(garage.brought.at(-1), 'm2 generation 2');
    assert.equal((await garage.store.get('t'))?.state, 'running');
  });

  it('is left alone while a turn works in it, or has left something to look after', async () => {
    const end = await garage.runTurn('t');
    await putToSleep();
    await pool.query('UPDATE handoff.turns SET aftermath_due = true');
    await end();
    await putToSleep();
    assert.deepEqual(garage.vendor.asked, []);
    await pool.query('UPDATE handoff.turns SET aftermath_due = false');
    await putToSleep();
    await garage.giveBack();
    assert.deepEqual(await stateOf(), ['archived', null]);
  });

  it('is not taken away from a turn that was begun for it while this relay slept', async () => {
    await putToSleep();
    const change = garage.store.change.bind(garage.store);
    // The relay sleeps right behind the intent.
    garage.store.change = async (...args) => {
      const changed = await change(...args);
      if (args[2].state !== 'resuming') return changed;
      garage.store.change = change;
      garage.pass(60_000);
      await garage.runTurn('t');
      await garage.openRelay().machines.open('t');
      return changed;
    };
    await garage.giveBack();
    assert.ok(!garage.vendor.asked.includes('destroy m1'));
    assert.equal((await garage.store.get('t'))?.state, 'running');
  });

  it('is asked for again later where its provider does not take it', async () => {
    await putToSleep();
    garage.vendor.failures.push(new SandboxError('unavailable', 'Not now.'));
    await garage.giveBack();
    assert.equal((await garage.store.get('t'))?.state, 'failed');
    await garage.giveBack();
    assert.equal((await garage.store.get('t'))?.state, 'failed', 'a minute is waited');
    garage.pass(60_000);
    await garage.giveBack();
    assert.deepEqual(await stateOf(), ['archived', null]);
  });
});
