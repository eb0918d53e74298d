import { play } from '../queue/play.ts';
import { newSeed } from '../support/seed.ts';

describe('the queue of messages, under many interleavings', function () {
  this.timeout(3_600_000);

  it('loses nothing, repeats nothing, keeps the order, and the last word on a message holds', () =>
    play({ runs: 100, length: 60, talks: 4, seed: newSeed('the queue') }));
});
