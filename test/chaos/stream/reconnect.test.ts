import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskEvent } from '../../../server/protocol/events.ts';
import { openSwarm, type Swarm } from '../swarm/swarm.ts';
import { assertGapless } from '../turns/outcome.ts';
import { readStream } from './raw-stream.ts';

const CONNECTIONS = 200;
const PERSON = 'ann';
const LINES = 100;

describe('a client that connects two hundred times at random places while events flow', function () {
  this.timeout(60_000);
  let swarm: Swarm;
  afterEach(() => swarm.close());

  it('gets from every relay, behind every cursor, exactly what follows it', async () => {
    swarm = await openSwarm([PERSON], { turns: 1, turnsPerOwner: 1 });
    const command = `for i in $(seq ${LINES}); do echo line $i; sleep 0.03; done`;
    const toolCalls = [{ name: 'bash', arguments: { command } }];
    swarm.model.use([{ steps: [{ text: 'word '.repeat(LINES), chunkSize: 5, delayMs: 15, toolCalls }] }]);
    const person = swarm.person(PERSON, 0);
    const taskId = await swarm.delegate(person);
    const followed = person.watch(taskId);

    const seen: TaskEvent[][] = [];
    const numbers = fc.sample(fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.integer({ min: 1, max: 8 })), {
      numRuns: CONNECTIONS,
      seed: 20_261,
    });
    let latest = 1;
    for (const [place, member, length] of numbers) {
      const after = place % latest;
      const at = { url: swarm.members[member]?.url ?? '', token: swarm.token(PERSON), taskId };
      // Also for what has not come about yet, while there is more to come.
      const isOver = seen.flat().some(({ type }) => type === 'turn.ended');
      const wanted = Math.min(length, latest - after + (isOver ? 0 : 1));
      const events = await readStream(at, after, (read) => read.length >= wanted);
      assert.deepEqual(
        events.map(({ seq }) => seq),
        events.map((_, index) => after + 1 + index),
      );
      seen.push(events);
      latest = Math.max(latest, events.at(-1)?.seq ?? 0);
    }
    await followed.until('turn.ended');
    assertGapless(followed.events);
    for (const events of seen)
      for (const event of events) assert.deepEqual(event, followed.events[event.seq - 1]);
    await followed.close();
  });
});
