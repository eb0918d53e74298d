import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeModel } from '../fakes/model/server.ts';
import { startBare } from './bare-process.ts';
import type { Bench, Place } from './bench.ts';
import { settled } from './follow.ts';
import { loop } from './loop.ts';
import { memoryOf, type RelayMemory } from './processes.ts';
import { type BenchRelay, openRelay } from './relay.ts';
import { times } from './stats.ts';

const SESSIONS = 20;
const STEPS = 20;
/** Turns that are timed, after one that warms up; memory is looked at in one more, because looking costs time. */
const TURNS = 3;
const LOOK_EVERY_MS = 200;

/**
 * S4: as many steps as one relay can take, with a sandbox for each session. They begin together, once all are ready. The baseline is the
 * AI SDK's own loop: as many at once in one process, on plain files.
 */
export const sessions: Bench = {
  about: `S4, ${SESSIONS} sessions of ${STEPS} steps at once on one relay, 500 files each`,
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const repository = await place.medium();
    const { relay, model } = await openRelay(scope, join(place.directory, 'sessions'), loop(STEPS));

    const warmUp = turnOf(model, 0);
    const begun = await Promise.all(Array.from({ length: SESSIONS }, () => relay.delegate(repository)));
    const taskIds = begun.map(({ taskId }) => taskId);
    await warmUp(relay, taskIds);
    place.say('all sandboxes run');

    const again = async (turn: number): Promise<number> => {
      const run = turnOf(model, turn * (STEPS + 1));
      await Promise.all(
        taskIds.map((taskId) => relay.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Go on.' })),
      );
      return run(relay, taskIds);
    };
    const totals = await times(TURNS, (n) => again(n + 1));

    const looked: RelayMemory[] = [];
    let isOver = false;
    const looking = (async () => {
      for (; !isOver; await sleep(LOOK_EVERY_MS)) looked.push(await memoryOf(relay));
    })();
    await again(TURNS + 1);
    isOver = true;
    await looking;

    const bare = await startBare(join(place.directory, 'sessions-bare'));
    scope.defer(() => bare.close());
    const alone = await times(TURNS + 1, async () => {
      model.use(loop(STEPS));
      return (await bare.run({ repository, model, sessions: SESSIONS })).seconds;
    });
    const rate = (seconds: number): number => (SESSIONS * STEPS) / seconds;

    const peak = (of: (memory: RelayMemory) => number): number[] => [Math.max(...looked.map(of))];
    return [
      {
        name: 'total',
        unit: 's',
        values: totals,
        baseline: alone.slice(1),
        goal: { of: 'median', atMost: 3.1 },
      },
      {
        name: 'steps a second',
        unit: '1/s',
        values: totals.map(rate),
        baseline: alone.slice(1).map(rate),
        goal: { of: 'median', atLeast: 130 },
      },
      {
        name: 'peak of all processes, PSS',
        unit: 'MiB',
        values: peak((memory) => memory.relay.pss + memory.postgres.pss + memory.sandboxes.pss),
        goal: { of: 'max', atMost: 450 },
      },
      { name: '  of it, the relay', unit: 'MiB', values: peak((memory) => memory.relay.pss) },
      { name: '  of it, Postgres', unit: 'MiB', values: peak((memory) => memory.postgres.pss) },
      { name: '  of it, sandboxes', unit: 'MiB', values: peak((memory) => memory.sandboxes.pss) },
      { name: 'peak of the relay alone, RSS', unit: 'MiB', values: peak((memory) => memory.relay.rss) },
    ];
  },
};

/**
 * Holds the model's first answers until every session has asked for its own.
 * @param after answers in each conversation before this turn
 * @returns what waits for the turns' end, and answers how long (s) they took from then on
 */
function turnOf(model: FakeModel, after: number): (relay: BenchRelay, taskIds: string[]) => Promise<number> {
  let arrived = 0;
  const all = Promise.withResolvers<void>();
  model.requests.length = 0;
  model.use(
    loop(STEPS, {
      after,
      async gate() {
        arrived += 1;
        if (arrived === SESSIONS) all.resolve();
        await all.promise;
      },
    }),
  );
  return async (relay, taskIds) => {
    await all.promise;
    const startedAt = performance.now();
    await model.waitForRequest(SESSIONS * (STEPS + 1));
    const seconds = (performance.now() - startedAt) / 1000;
    for (const taskId of taskIds) await settled(relay.client, taskId);
    return seconds;
  };
}
