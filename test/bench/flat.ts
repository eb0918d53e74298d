import { join } from 'node:path';
import type { Bench, Place } from './bench.ts';
import { settled } from './follow.ts';
import { kindOf, loop } from './loop.ts';
import { overheads, watchModels } from './model-times.ts';
import { openRelay } from './relay.ts';
import { times } from './stats.ts';
import { startUndurable } from './undurable-process.ts';

/** 500 steps as the journal counts them: 250 answers of the model, and the tool call of each. */
const ANSWERS = 250;
/** The first and the last 50 steps: 24 answers, six of each tool. */
const WINDOW = 24;
const RUNS = 2;
const WARM_UP = 48;
/** Small reads: the conversation grows with the steps in any harness, and is not what is measured. */
const READ_LINES = 10;

/** Whether a step costs the same at the end of a long turn as at its beginning. */
export const flat: Bench = {
  about: 'a turn of 500 steps on 500 files: the first 50 against the last 50',
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const clock = watchModels();
    scope.defer(() => clock.close());
    const repository = await place.medium();
    const { relay, model } = await openRelay(scope, join(place.directory, 'flat'), loop(WARM_UP));
    const undurable = await startUndurable(join(place.directory, 'flat-undurable'));
    scope.defer(() => undurable.close());

    const measure = async (answers: number, turn: () => Promise<void>): Promise<number[]> => {
      model.use(loop(answers, { readLines: READ_LINES }));
      model.requests.length = 0;
      clock.clear();
      await turn();
      return overheads(clock);
    };
    const durable = async (answers: number): Promise<void> => {
      const { taskId } = await relay.delegate(repository);
      await model.waitForRequest(answers + 1);
      await settled(relay.client, taskId);
    };
    const plain = (): Promise<void> => undurable.run({ repository, model });

    await measure(WARM_UP, () => durable(WARM_UP));
    await measure(WARM_UP, plain);
    const runs = await times(RUNS, async (n) => {
      place.say(`run ${n + 1} of ${RUNS}`);
      return {
        durable: await measure(ANSWERS, () => durable(ANSWERS)),
        plain: await measure(ANSWERS, plain),
      };
    });

    const first = (overhead: number[]): number[] => overhead.slice(0, WINDOW);
    const last = (overhead: number[]): number[] => overhead.slice(-WINDOW);
    /** Reads follow a step that changed nothing: they never wait for the capture of the tree, which grows with what was changed. */
    const reads = (overhead: number[]): number[] => overhead.filter((_, k) => kindOf(k) === 'read');
    const of = (which: 'durable' | 'plain', part: (overhead: number[]) => number[]): number[] =>
      runs.flatMap((run) => part(run[which]));
    return [
      {
        name: 'durable: last 50 against first 50',
        unit: 'ms',
        values: of('durable', last),
        baseline: of('durable', first),
        goal: { of: 'ratio', atMost: 1.1 },
      },
      {
        name: 'not durable: last 50 against first 50',
        unit: 'ms',
        values: of('plain', last),
        baseline: of('plain', first),
      },
      {
        name: 'durable, reads only: last against first',
        unit: 'ms',
        values: of('durable', (overhead) => last(reads(overhead))),
        baseline: of('durable', (overhead) => first(reads(overhead))),
        goal: { of: 'ratio', atMost: 1.1 },
      },
      {
        name: 'the last 50, durable against not',
        unit: 'ms',
        values: of('durable', last),
        baseline: of('plain', last),
        goal: { of: 'difference', atMost: 5 },
      },
    ];
  },
};
