import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { KeptRelay } from '../support/kept-relay.ts';
import { newSeed } from '../support/seed.ts';
import type { Outcome } from '../turns/outcome.ts';
import { isByChance } from '../turns/points.ts';
import { openStage, type Stage } from '../turns/stage.ts';

const HOUR_MS = 3_600_000;
const RANDOM_KILLS = 100;
/** Plays at once: each has its own relays, database and model. */
const STAGES = 2;

describe('a relay that is killed', function () {
  this.timeout(4 * HOUR_MS);
  const stages: Stage[] = [];
  let undisturbed: Outcome;
  let points: string[];
  const equal = (outcome: Outcome): void => assert.deepEqual(outcome, undisturbed);
  before(async () => {
    while (stages.length < STAGES) stages.push(await openStage());
    ({ outcome: undisturbed, points } = await first(stages).playUndisturbed());
  });
  after(() => Promise.all(stages.map((stage) => stage.close())));

  it('at every boundary of its turns, one after the other, leaves what an undisturbed one does', async () => {
    const { missed } = await first(stages).playKilledAt(points, points, equal);
    assert.deepEqual(
      missed.filter((point) => !isByChance(point)),
      [],
    );
  });

  it('at every boundary of its turns, each in a run of its own, leaves what an undisturbed one does', async () => {
    const left = [...points];
    await Promise.all(
      stages.map(async (stage) => {
        for (let point = left.shift(); point !== undefined; point = left.shift()) {
          const { missed } = await stage.playKilledAt(points, [point], equal);
          if (!isByChance(point)) assert.deepEqual(missed, []);
        }
      }),
    );
  });

  it('a hundred times at random leaves what an undisturbed one does', async () => {
    const seed = newSeed('random kills');
    // From in the middle of its start to well into its work, in milliseconds.
    const pauses = fc.sample(fc.integer({ min: 100, max: 2500 }), { numRuns: RANDOM_KILLS, seed });
    while (pauses.length > 0) {
      equal(await first(stages).playWhile((relay, signal) => killAfter(pauses, relay, signal)));
    }
  });
});

async function killAfter(pauses: number[], relay: KeptRelay, signal: AbortSignal): Promise<void> {
  await relay.up;
  for (let pause = pauses.shift(); pause !== undefined; pause = pauses.shift()) {
    const wait = AbortSignal.timeout(pause);
    await new Promise((resolve) => {
      AbortSignal.any([wait, signal]).addEventListener('abort', resolve, { once: true });
    });
    if (signal.aborted) return;
    await relay.kill();
  }
}

function first(stages: readonly Stage[]): Stage {
  const [stage] = stages;
  if (!stage) throw new RangeError('there is no stage');
  return stage;
}
