import fc from 'fast-check';
import { openSite } from '../support/site.ts';
import { commands } from './commands.ts';
import { createPuppet } from './puppet.ts';
import { openTalk, settleAndCheck, type World } from './world.ts';

/** Plays sequences of commands on one relay, and checks after each what every task came to. */
export async function play(plan: {
  runs: number;
  length: number;
  talks: number;
  seed: number;
}): Promise<void> {
  const puppet = createPuppet();
  const site = await openSite(puppet.scenario);
  try {
    const relay = site.relay();
    await relay.up;
    const property = fc.asyncProperty(commands(plan.talks, plan.length), async (sequence) => {
      const talks = await Promise.all(Array.from({ length: plan.talks }, () => openTalk({ site })));
      const world: World = { site, puppet, relay, talks };
      await fc.asyncModelRun(() => ({ model: { talks: plan.talks }, real: world }), sequence);
      for (const talk of talks) await settleAndCheck(world, talk);
      await Promise.all(talks.map(({ watch }) => watch.close()));
    });
    await fc.assert(property, { numRuns: plan.runs, seed: plan.seed, endOnFailure: true });
  } finally {
    await site.close();
  }
}
