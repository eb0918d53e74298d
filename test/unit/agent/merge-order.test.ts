import assert from 'node:assert/strict';
import { createMergeOrder, type MergeOrder } from '../../../server/agent/agents/merge-order.ts';

describe('the order in which work comes home', () => {
  let order: MergeOrder;
  let next: string[];
  beforeEach(() => {
    order = createMergeOrder();
    next = [];
    stop = new AbortController();
  });
  let stop: AbortController;
  const wait = (agentId: string): void =>
    void order.untilNext(agentId, stop.signal).then(() => next.push(agentId));
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('is that of the calls, by their numbers, whoever has done first', async () => {
    for (const call of ['t:m1c10', 't:m1c2', 't:m1c1']) order.join(call, 't:m1');
    for (const call of ['t:m1c10', 't:m1c2']) wait(call);
    await settle();
    assert.deepEqual(next, []);
    order.leave('t:m1c1');
    await settle();
    assert.deepEqual(next, ['t:m1c2']);
    order.leave('t:m1c2');
    await settle();
    assert.deepEqual(next, ['t:m1c2', 't:m1c10']);
  });

  it('is of a group, and asks nothing of who never joined one', async () => {
    order.join('t:m1c1', 't:m1');
    order.join('t:m2c2', 't:m2');
    for (const call of ['t:m2c2', 't:m3c1']) wait(call);
    await settle();
    assert.deepEqual(next.toSorted(), ['t:m2c2', 't:m3c1']);
  });

  it('holds nobody up whose turn is over or stopped, before it waits or while it does', async () => {
    for (const call of ['t:m1c1', 't:m1c2', 't:m1c3']) order.join(call, 't:m1');
    wait('t:m1c2');
    await settle();
    assert.deepEqual(next, []);
    stop.abort();
    wait('t:m1c3');
    await settle();
    assert.deepEqual(next, ['t:m1c2', 't:m1c3']);
  });

  it('does not change where one goes on that had rested', async () => {
    order.join('t:m1c1', 't:m1');
    order.leave('t:m1c1');
    order.join('t:m1c1', 't:m1');
    order.join('t:m1c2', 't:m1');
    wait('t:m1c2');
    await settle();
    assert.deepEqual(next, []);
    order.leave('t:m1c1');
    await settle();
    assert.deepEqual(next, ['t:m1c2']);
  });
});
