import assert from 'node:assert/strict';
import { LEASE_S } from '../../../server/engine/claims.ts';
import { raise } from './storm.ts';
import type { Swarm } from './swarm.ts';
import { assertLimits, assertNothingLostOrRepeated } from './verdict.ts';

export const PEOPLE = ['ann', 'bob', 'cyd'];

/** A death is noticed by the relay's connection and not by its silence, whose patience this is. How fast, is a figure of the bench. */
const TAKEOVER_MS = LEASE_S * 1000;

/** Delegates `tasks` by all people to all relays, lets relays die, and looks at what came of it. */
export async function play(
  swarm: Swarm,
  plan: {
    tasks: number;
    limits: { turns: number; turnsPerOwner: number };
    everyMs: number;
    forMs: number;
    sleepMs: number;
  },
): Promise<void> {
  const tasks = await Promise.all(
    Array.from({ length: plan.tasks }, async (_, index) => {
      const name = PEOPLE[index % PEOPLE.length] ?? '';
      const member = Math.floor(index / PEOPLE.length) % swarm.members.length;
      const taskId = await swarm.delegate(swarm.person(name, member));
      // Followed at another relay than the one that it was given to.
      const elsewhere = (member + 1) % swarm.members.length;
      return { taskId, name, watch: swarm.person(name, elsewhere).watch(taskId) };
    }),
  );
  const [sleeper, ...victims] = swarm.members;
  if (!sleeper) throw new Error('the swarm is empty');
  const { kills, takeovers } = await raise(swarm, { ...plan, sleeper, victims });

  const followed = await Promise.all(
    tasks.map(async ({ taskId, watch }) => {
      const { outcome, error } = await watch.until('turn.ended');
      assert.deepEqual([outcome, error], ['completed', undefined], said(swarm));
      const { events } = watch;
      await watch.close();
      return { taskId, events };
    }),
  );
  await assertNothingLostOrRepeated(swarm, followed);
  await assertLimits(swarm, plan.limits);
  assert.ok(takeovers.length >= kills, `${kills} kills met ${takeovers.length} turns`);
  assert.ok(Math.max(...takeovers) < TAKEOVER_MS, `takeovers took ${takeovers.join(', ')} ms`);
}

const said = ({ members }: Swarm): string => members.map((member) => member.log()).join('\n');
