import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PEOPLE } from './play.ts';
import { openSwarm, type Swarm } from './swarm.ts';
import { assertNothingLostOrRepeated } from './verdict.ts';

describe('three relays whose database is killed in the middle of their turns', function () {
  this.timeout(120_000);
  let swarm: Swarm;
  afterEach(() => swarm.close());

  it('join again when it is back, and finish what they ran: nothing is stolen, lost or run twice', async () => {
    swarm = await openSwarm(PEOPLE, { turns: 64, turnsPerOwner: 64 });
    const tasks = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (index) => {
        const name = PEOPLE[index % PEOPLE.length] ?? '';
        const taskId = await swarm.delegate(swarm.person(name, index % 3));
        return { taskId, watch: swarm.person(name, (index + 1) % 3).watch(taskId) };
      }),
    );
    for (const { watch } of tasks) {
      // One that could not begin says so here, and not by keeping everybody waiting.
      const first = await Promise.race([watch.until('tool.output'), watch.until('turn.ended')]);
      assert.equal(first.type, 'tool.output', JSON.stringify(first));
    }
    await swarm.killDatabase();

    for (const { watch } of tasks) {
      const { outcome, error } = await watch.until('turn.ended');
      assert.deepEqual([outcome, error], ['completed', undefined]);
    }
    await assertNothingLostOrRepeated(
      swarm,
      tasks.map(({ taskId, watch }) => ({ taskId, events: watch.events })),
    );
    await Promise.all(tasks.map(({ watch }) => watch.close()));
    await allAreMembers(swarm);
  });
});

/** Waits until each relay is seen by the others again. */
async function allAreMembers({ query, members }: Swarm): Promise<void> {
  for (;;) {
    const rows = await query(`SELECT 1 FROM handoff.relays WHERE seen_at > now() - interval '2 seconds'`);
    if (rows.length === members.length) return;
    await once(AbortSignal.timeout(100), 'abort');
  }
}
