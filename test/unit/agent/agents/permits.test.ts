import assert from 'node:assert/strict';
import { takePlace } from '../../../../server/agent/agents/permits.ts';

const CLAIM = { taskId: 'task', turnId: 't', epoch: 1, format: 1 };
const never = new AbortController().signal;

describe('places for agents at work', () => {
  it('are given out first come, first served, and a place given back twice is one', async () => {
    const claim = { ...CLAIM };
    const order: string[] = [];
    const take = async (name: string) => {
      const giveBack = await takePlace(claim, 'readers', 1, never);
      order.push(name);
      return giveBack;
    };
    const first = await take('first');
    const [second, third] = [take('second'), take('third')];
    assert.deepEqual(order, ['first']);
    first();
    first();
    const giveBack = await second;
    assert.deepEqual(order, ['first', 'second']);
    giveBack();
    (await third)();
    assert.deepEqual(order, ['first', 'second', 'third']);
    await take('fourth');
  });

  it('are not waited for by who is stopped, and then not taken', async () => {
    const claim = { ...CLAIM };
    const stop = new AbortController();
    const giveBack = await takePlace(claim, 'readers', 1, never);
    const waiting = takePlace(claim, 'readers', 1, stop.signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(waiting, { message: 'stopped' });
    giveBack();
    await takePlace(claim, 'readers', 1, never);
  });
});
