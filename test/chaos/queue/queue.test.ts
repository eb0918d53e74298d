import assert from 'node:assert/strict';
import { play } from './play.ts';
import { seconds } from './world.ts';

describe('the queue of messages, under any interleaving of what people, models and death do', function () {
  this.timeout(360_000);

  it('loses nothing, repeats nothing, keeps the order, and the last word on a message holds', async () => {
    await play({ runs: 4, length: 30, talks: 3, seed: 20_260 });
    assert.ok(seconds.accepted > 0 && seconds.refused > 0, JSON.stringify(seconds));
  });
});
