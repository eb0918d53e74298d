import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Caps } from '../../../server/models/spend.ts';
import { createSpend } from '../../../server/models/spend-ledger.ts';
import { type OwnDatabase, openOwnDatabase } from '../record/own-database.ts';

const NOON = Date.UTC(2026, 0, 31, 12);

describe('the ledger of spending', function () {
  this.timeout(60_000);
  let own: OwnDatabase;
  let now = NOON;
  let count = 0;
  before(async () => {
    own = await openOwnDatabase();
    for (const [taskId, owner] of [
      ['t1', 'owner'],
      ['t2', 'owner'],
      ['t3', 'friend'],
    ])
      await own.pool.query(
        `INSERT INTO handoff.tasks (task_id, client_id, spec, overlay, owner, created_at, updated_at) VALUES ($1, $1, '{}', '[]', $2, 0, 0)`,
        [taskId, owner],
      );
  });
  after(() => own.close());
  beforeEach(async () => {
    now = NOON;
    await own.pool.query('TRUNCATE handoff.spend, handoff.spend_raises');
  });

  const spend = (caps: Caps = {}) =>
    createSpend({ database: own.database, caps: () => caps, owner: 'owner', now: () => now });
  const call = (mostMicros: number, more: { taskId?: string; turnId?: string; messageId?: string } = {}) => {
    count += 1;
    const { taskId = 't1', turnId = `${taskId}-1`, messageId = `${turnId}:m${count}` } = more;
    return {
      ...{ messageId, taskId, turnId, mostMicros, token: `token${count}` },
      ...{ agentId: undefined, role: 'lead', model: 'acme/big' },
    };
  };
  const rows = async () =>
    (
      await own.pool.query<{ message_id: string; reserved: string | null; cost: string | null }>(
        'SELECT message_id, reserved, cost FROM handoff.spend ORDER BY message_id',
      )
    ).rows.map((row) => [row.message_id, row.reserved, row.cost]);

  it('reserves before and settles after, and says of which cap it cannot', async () => {
    const { reserve, settle } = spend();
    const caps = { turn: 100, task: 150 };
    const first = call(90);
    assert.equal(await reserve(first, caps), undefined);
    assert.deepEqual(await reserve(call(20), caps), {
      cap: 'turn',
      limitMicros: 100,
      usedMicros: 90,
      settledMicros: 0,
    });
    await settle(first.messageId, first.token, { inputTokens: 5, costMicros: 60 });
    assert.equal(await reserve(call(40), caps), undefined);
    assert.deepEqual(await reserve(call(60, { turnId: 't1-2' }), caps), {
      cap: 'task',
      limitMicros: 150,
      usedMicros: 100,
      settledMicros: 60,
    });
  });

  it('counts a day for each person and for all, in UTC', async () => {
    const { reserve } = spend();
    assert.equal(await reserve(call(80), { user: 100, day: 150 }), undefined);
    assert.equal((await reserve(call(30, { taskId: 't2' }), { user: 100, day: 150 }))?.cap, 'user');
    assert.equal(await reserve(call(60, { taskId: 't3' }), { user: 100, day: 150 }), undefined);
    assert.equal((await reserve(call(20, { taskId: 't3' }), { user: 100, day: 150 }))?.cap, 'day');
    now += 12 * 3_600_000;
    assert.equal(await reserve(call(100, { taskId: 't2' }), { user: 100, day: 150 }), undefined);
  });

  it('says how caps stand for a turn, with what was added to them, and to others’ tasks nothing of what all use', async () => {
    const { reserve, settle, raise, standing } = spend();
    const caps = { turn: 100, task: 150, user: 200, day: 300 };
    const paid = call(60);
    await reserve(paid, {});
    await settle(paid.messageId, paid.token, { costMicros: 50 });
    await reserve(call(20, { turnId: 't1-2' }), {});
    await reserve(call(30, { taskId: 't2' }), {});
    await reserve(call(40, { taskId: 't3' }), {});
    await raise({ questionId: 'q', taskId: 't1', turnId: 't1-1', cap: 'turn', micros: 25 });
    assert.deepEqual(await standing({ taskId: 't1', turnId: 't1-1' }, caps), [
      { cap: 'turn', limitMicros: 125, usedMicros: 50 },
      { cap: 'task', limitMicros: 150, usedMicros: 70 },
      { cap: 'user', limitMicros: 200, usedMicros: 100 },
      { cap: 'day', limitMicros: 300, usedMicros: 140 },
    ]);
    assert.deepEqual(await standing({ taskId: 't3', turnId: 't3-1' }, { user: 200, day: 300 }), [
      { cap: 'user', limitMicros: 200, usedMicros: 40 },
    ]);
    now += 24 * 3_600_000;
    assert.deepEqual(await standing({ taskId: 't1', turnId: 't1-3' }, { turn: 100, day: 300 }), [
      { cap: 'turn', limitMicros: 100, usedMicros: 0 },
      { cap: 'day', limitMicros: 300, usedMicros: 0 },
    ]);
  });

  it('puts an attempt in the place of the one that died before it, which then can change nothing', async () => {
    const { reserve, settle, release } = spend();
    const dead = call(90, { messageId: 'm' });
    const next = call(90, { messageId: 'm' });
    assert.equal(await reserve(dead, { turn: 100 }), undefined);
    assert.equal(await reserve(next, { turn: 100 }), undefined);
    await release(dead.messageId, dead.token);
    await settle(dead.messageId, dead.token, { costMicros: 1 });
    assert.deepEqual(await rows(), [['m', '90', null]]);
    await settle(next.messageId, next.token, { costMicros: 50 });
    await settle(next.messageId, next.token, { costMicros: 50 });
    assert.deepEqual(await rows(), [['m', null, '50']]);
  });

  it('keeps what a failed attempt cost beside what the next one does, and in the caps', async () => {
    const { reserve, settle, settleFailed } = spend();
    const failed = call(90, { messageId: 'm' });
    const next = call(50, { messageId: 'm' });
    await reserve(failed, { turn: 100 });
    await settleFailed('m', failed.token, { outputTokens: 4, costMicros: 40 });
    assert.equal((await reserve(call(61, { messageId: 'm' }), { turn: 100 }))?.settledMicros, 40);
    assert.equal(await reserve(next, { turn: 100 }), undefined);
    await settle('m', next.token, { costMicros: 50 });
    assert.deepEqual(await rows(), [
      ['m', null, '50'],
      [`m:failed:${failed.token}`, null, '40'],
    ]);
  });

  it('lets go what came to nothing', async () => {
    const { reserve, release } = spend();
    const lost = call(90);
    await reserve(lost, { turn: 100 });
    await release(lost.messageId, lost.token);
    assert.deepEqual(await rows(), []);
  });

  it('raises a cap once for each word of the person, for its turn or its task', async () => {
    const { reserve, raise } = spend();
    const word = { questionId: 'q', taskId: 't1', turnId: 't1-1', cap: 'turn' as const, micros: 100 };
    await raise(word);
    await raise(word);
    assert.equal((await reserve(call(201), { turn: 100 }))?.limitMicros, 200);
    assert.equal(await reserve(call(200), { turn: 100 }), undefined);
    assert.equal((await reserve(call(101, { turnId: 't1-2' }), { turn: 100 }))?.limitMicros, 100);
    await raise({ ...word, questionId: 'r', cap: 'task' });
    assert.equal((await reserve(call(1, { turnId: 't1-2' }), { task: 100 }))?.limitMicros, 200);
    assert.equal((await reserve(call(1, { taskId: 't2' }), { task: 0 }))?.limitMicros, 0);
  });

  it('never lets calls that are made at once come to more than a cap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ most: fc.integer({ min: 1, max: 60 }), share: fc.nat(100) }), { maxLength: 25 }),
        fc.integer({ min: 1, max: 200 }),
        async (calls, cap) => {
          await own.pool.query('TRUNCATE handoff.spend');
          const { reserve, settle } = spend();
          const costs = await Promise.all(
            calls.map(async ({ most, share }, at) => {
              const one = call(most, { taskId: at % 2 === 0 ? 't1' : 't2' });
              if (await reserve(one, { user: cap })) return 0;
              const costMicros = Math.floor((most * share) / 100);
              await settle(one.messageId, one.token, { costMicros });
              return costMicros;
            }),
          );
          const { rows: sums } = await own.pool.query<{ sum: string }>(
            'SELECT coalesce(sum(coalesce(cost, reserved)), 0) AS sum FROM handoff.spend',
          );
          const total = costs.reduce((sum, cost) => sum + cost, 0);
          assert.ok(total <= cap);
          assert.equal(Number(sums[0]?.sum), total);
        },
      ),
      { numRuns: 30 },
    );
  });
});
