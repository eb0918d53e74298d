import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { startBare } from './bare-process.ts';
import type { Bench, Place } from './bench.ts';
import { follow, turnEnd } from './follow.ts';
import { watchModels } from './model-times.ts';
import { openRelay } from './relay.ts';
import { times } from './stats.ts';

const TOKENS = 2000;
const TOKEN = 'word';
const RUNS = 10;

const SPEAKS = [{ steps: [], otherwise: { text: TOKEN.repeat(TOKENS), chunkSize: TOKEN.length } }];

/** S3: how soon a client sees what a model says as fast as it can, a token a chunk. The baseline is the AI SDK's own loop, in the process that reads. */
export const stream: Bench = {
  about: `S3, ${TOKENS} one-token chunks at full speed, through relay and client`,
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const clock = watchModels();
    scope.defer(() => clock.close());
    const repository = await place.small();
    const { relay, model } = await openRelay(scope, join(place.directory, 'stream'), SPEAKS);
    const { taskId } = await relay.delegate(repository);
    let { seq } = await turnEnd(relay.client, taskId);

    const runs = await times(RUNS, async () => {
      clock.clear();
      model.requests.length = 0;
      let first: number | undefined;
      let all = NaN;
      let shown = 0;
      const watched = follow(
        relay.client,
        taskId,
        ({ type }) => type === 'turn.ended',
        (event) => {
          if (event.type !== 'text.delta') return;
          first ??= performance.now();
          shown += event.text.length;
          if (shown === TOKENS * TOKEN.length) all = performance.now();
        },
        seq,
      );
      await relay.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Speak.' });
      ({ seq } = await watched);
      const [askedAt = NaN] = clock.asked;
      const [answeredAt = NaN] = clock.answered;
      return { model: answeredAt - askedAt, first: (first ?? NaN) - askedAt, all: all - askedAt };
    });
    const bare = await startBare(join(place.directory, 'stream-bare'));
    scope.defer(() => bare.close());
    const alone = (await times(RUNS + 1, () => bare.run({ repository, model }))).slice(1);
    return [
      { name: 'the model itself', unit: 'ms', values: runs.map((run) => run.model) },
      {
        name: 'first visible',
        unit: 'ms',
        values: runs.map((run) => run.first),
        baseline: alone.map(({ first }) => first),
      },
      {
        name: 'all visible',
        unit: 'ms',
        values: runs.map((run) => run.all),
        baseline: alone.map(({ all }) => all),
        goal: { of: 'median', atMost: 120 },
      },
    ];
  },
};
