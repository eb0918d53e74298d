import { PEOPLE, play } from '../swarm/play.ts';
import { openSwarm, type Swarm } from '../swarm/swarm.ts';

describe('three relays on one database, for a minute', function () {
  this.timeout(600_000);
  let swarm: Swarm;
  afterEach(() => swarm.close());

  it('finish fifty tasks although one is killed every five seconds and one sleeps for fifteen', async () => {
    const limits = { turns: 12, turnsPerOwner: 5 };
    swarm = await openSwarm(PEOPLE, limits);
    await play(swarm, { tasks: 50, limits, everyMs: 5000, forMs: 60_000, sleepMs: 15_000 });
  });
});
