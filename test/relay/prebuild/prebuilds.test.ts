import assert from 'node:assert/strict';
import type pg from 'pg';
import { openPostgres } from '../lifecycle/garage.ts';
import { HOUR_MS, NOTHING, ONE, openYard, until, wishOf, type Yard } from './yard.ts';

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

describe('machines that were built beforehand', function () {
  this.timeout(60_000);
  let postgres: { pool: pg.Pool; close(): Promise<void> };
  let yard: Yard;
  before(async () => {
    postgres = await openPostgres();
  });
  beforeEach(async () => {
    yard = await openYard(postgres.pool);
  });
  after(() => postgres.close());

  const found = async (taskId: string): Promise<boolean> => (await yard.prebuilds.find(taskId)) !== undefined;
  const readyOnes = async (): Promise<number> =>
    (await yard.states()).filter((state) => state === 'ready').length;
  /** Marked by one sweep, removed by one after those who had found it are done. */
  async function sweepTwice(): Promise<void> {
    await yard.prebuilds.sweep();
    yard.pass(5 * MINUTE_MS);
    await yard.prebuilds.sweep();
  }

  it('are found by tasks of the same key and by no others', async () => {
    await yard.build(wishOf());
    yard.addTask('same', wishOf({ commit: 'b'.repeat(40) }));
    yard.addTask('other branch', wishOf({ branch: 'next' }));
    yard.addTask('other owner', wishOf({}, 'eve'));
    assert.deepEqual(await Promise.all(['same', 'other branch', 'other owner', 'unknown'].map(found)), [
      true,
      false,
      false,
      false,
    ]);
    const [snapshot] = yard.vendor.snapshots.keys();
    assert.deepEqual(await yard.prebuilds.find('same'), {
      prebuildId: snapshot,
      snapshot: { provider: 'vendor', id: snapshot },
    });
  });

  it('are not found where they are another kind of sandboxes', async () => {
    await yard.build(wishOf());
    yard.addTask('task', wishOf());
    const change: Parameters<Yard['build']>[1] = (deps) => ({
      ...deps,
      provider: { ...deps.provider, name: 'other' },
    });
    assert.equal(await yard.openRelay({ change }).find('task'), undefined);
    assert.equal(await found('task'), true);
  });

  it('are removed through their own kind, whatever kind the relay has now', async () => {
    await yard.build(wishOf());
    const change: Parameters<Yard['build']>[1] = (deps) => ({
      ...deps,
      provider: {
        ...deps.provider,
        name: 'other',
        list: () => Promise.reject(new Error('asked the wrong one')),
      },
    });
    const other = yard.openRelay({ change, most: 0 });
    await other.sweep();
    yard.pass(5 * MINUTE_MS);
    await other.sweep();
    assert.deepEqual(await yard.left(), NOTHING);
  });

  it('are kept as many as may be, those that were found last', async () => {
    for (const branch of ['one', 'two', 'three']) {
      await yard.build(wishOf({ branch }));
      yard.addTask(branch, wishOf({ branch }));
      yard.pass(1);
    }
    assert.equal(await found('one'), true);
    await sweepTwice();
    assert.deepEqual(await Promise.all(['one', 'two', 'three'].map(found)), [true, false, true]);
    assert.deepEqual(await yard.left(), { rows: 2, machines: 0, snapshots: 2, repositories: 2 });
  });

  it('are not taken from a task that has just found one', async () => {
    yard.addTask('task', wishOf());
    await yard.build(wishOf());
    assert.equal(await found('task'), true);
    const off = yard.openRelay({ most: 0 });
    await off.sweep();
    assert.equal(await found('task'), false, 'nobody finds it any more');
    yard.pass(5 * MINUTE_MS - 1);
    await off.sweep();
    assert.deepEqual(await yard.left(), ONE);
    yard.pass(1);
    await off.sweep();
    assert.deepEqual(await yard.left(), NOTHING);
  });

  it('are good for a week', async () => {
    yard.addTask('task', wishOf());
    await yard.build(wishOf());
    yard.pass(WEEK_MS - 1);
    assert.equal(await found('task'), true);
    yard.pass(1);
    assert.equal(await found('task'), false);
    await sweepTwice();
    assert.deepEqual(await yard.left(), NOTHING);
  });

  it('are not found again where the provider does not have one, and are built anew', async () => {
    yard.addTask('task', wishOf());
    yard.prebuilds.want(wishOf());
    await until(async () => (await readyOnes()) === 1);
    const first = await yard.prebuilds.find('task');
    assert.ok(first);
    yard.vendor.snapshots.clear();
    await yard.prebuilds.spoilt(first.prebuildId);
    assert.equal(await found('task'), false);
    await yard.prebuilds.wantAfter('task', wishOf());
    await until(async () => (await readyOnes()) === 1);
    assert.notEqual((await yard.prebuilds.find('task'))?.prebuildId, first.prebuildId);
    await sweepTwice();
    assert.deepEqual(await yard.left(), ONE);
  });

  it('are removed at the next sweep that can, where the provider is away', async () => {
    await yard.build(wishOf());
    const change: Parameters<Yard['build']>[1] = (deps) => ({
      ...deps,
      providerOf: () => Promise.reject(new Error('away')),
    });
    const away = yard.openRelay({ most: 0, change });
    await away.sweep();
    yard.pass(5 * MINUTE_MS);
    await away.sweep();
    assert.deepEqual(await yard.left(), ONE);
    await yard.prebuilds.sweep();
    assert.deepEqual(await yard.left(), NOTHING);
  });

  it('are neither built nor found where that is turned off', async () => {
    yard.addTask('task', wishOf());
    await yard.build(wishOf());
    const off = yard.openRelay({ most: 0 });
    off.want(wishOf({ branch: 'next' }));
    await off.wantAfter('task', wishOf({ branch: 'next' }));
    assert.equal(await off.find('task'), undefined);
    await off.close();
    assert.equal(yard.fetched.length, 1);
  });
});
