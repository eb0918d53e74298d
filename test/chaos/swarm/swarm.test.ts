import { PEOPLE, play } from './play.ts';
import { openSwarm, type Swarm } from './swarm.ts';

describe('three relays on one database', function () {
  this.timeout(180_000);
  let swarm: Swarm;
  afterEach(() => swarm.close());

  it('finish every task although one is killed again and again and one sleeps: nothing is lost, no effect comes twice', async () => {
    const limits = { turns: 6, turnsPerOwner: 3 };
    swarm = await openSwarm(PEOPLE, limits);
    await play(swarm, { tasks: 12, limits, everyMs: 4000, forMs: 12_000, sleepMs: 12_000 });
  });
});
