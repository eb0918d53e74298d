import { join } from 'node:path';
import { startFakeModel } from '../fakes/model/server.ts';
import { startBare } from './bare-process.ts';
import type { Bench, Place } from './bench.ts';
import type { Figure } from './figure.ts';
import { settled } from './follow.ts';
import { KINDS, kindOf, loop } from './loop.ts';
import { overheads, watchModels } from './model-times.ts';
import { cpuOf, processesOf } from './processes.ts';
import { destroySandboxes, startRelay } from './relay.ts';
import { startUndurable } from './undurable-process.ts';

const STEPS = 50;
const ROUNDS = 3;
/** Long enough for the capture of the tree to overlap it, short for a model. */
const THINK_MS = 120;

/** One run of the loop: each step's overhead, in order, what was sent, and the processor time (ms) that a step took. */
interface Run {
  overheads: number[];
  bytes: number;
  cpu: number;
}

/**
 * S1: 50 steps (read, edit, bash, grep in turn) on 5,000 files, with a model that answers at once, as the field was measured, and with
 * one that thinks for a moment, as models do: only then can the capture of the tree overlap it. Durable and not, turn by turn,
 * and beside the AI SDK's own loop on plain files, which isolates, records and captures nothing.
 */
export const steps: Bench = {
  about: 'S1, overhead of a step: 50 steps on 5,000 files, against the same loop without durability',
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const model = await startFakeModel({ scenario: loop(STEPS) });
    scope.defer(() => model.close());
    const times = watchModels();
    scope.defer(() => times.close());
    const repository = await place.large();

    const directory = join(place.directory, 'steps');
    const relay = await startRelay({ directory, model });
    scope.defer(async () => {
      await relay.close();
      await destroySandboxes(relay.work);
    });
    const bare = await startBare(join(place.directory, 'steps-bare'));
    scope.defer(() => bare.close());
    const undurable = await startUndurable(join(place.directory, 'steps-undurable'));
    scope.defer(() => undurable.close());

    const measure = async (thinkMs: number, turn: () => Promise<unknown>, pids: Pids): Promise<Run> => {
      model.use(loop(STEPS, { thinkMs }));
      model.requests.length = 0;
      times.clear();
      const turned = turn();
      await Promise.race([model.waitForRequest(1), turned]);
      const before = await cpuOf(await pids());
      await Promise.race([model.waitForRequest(STEPS + 1), turned]);
      const cpu = ((await cpuOf(await pids())) - before) / STEPS;
      await turned;
      return { overheads: overheads(times), bytes: times.bytes(), cpu };
    };
    const durable = (thinkMs: number): Promise<Run> =>
      measure(
        thinkMs,
        async () => {
          const { taskId } = await relay.delegate(repository);
          await model.waitForRequest(STEPS + 1);
          await settled(relay.client, taskId);
        },
        () => processesOf(relay),
      );
    const plain = (thinkMs: number): Promise<Run> =>
      measure(
        thinkMs,
        () => undurable.run({ repository, model }),
        async () => [undurable.pid],
      );

    /** Its checkout is made before it asks for anything. */
    const alone = (): Promise<Run> =>
      measure(
        0,
        () => bare.run({ repository, model }),
        async () => [bare.pid],
      );

    await alone();
    const first = { durable: await durable(0), plain: await plain(0) };
    place.say('warm');
    const atOnce: { durable: Run[]; plain: Run[] } = { durable: [], plain: [] };
    const bareRuns: Run[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      atOnce.durable.push(await durable(0));
      atOnce.plain.push(await plain(0));
      bareRuns.push(await alone());
      place.say(`round ${round + 1} of ${ROUNDS}`);
    }
    const thinking = { durable: await durable(THINK_MS), plain: await plain(THINK_MS) };

    const sent: Figure = {
      name: 'bytes sent in a run',
      unit: 'MB',
      values: atOnce.durable.map(({ bytes }) => bytes / 1e6),
      goal: { of: 'median', atMost: 4.5 },
    };
    const cpu: Figure = {
      name: 'processor time of relay, Postgres and Git, a step',
      unit: 'ms',
      values: atOnce.durable.map((run) => run.cpu),
      baseline: atOnce.plain.map((run) => run.cpu),
    };
    return [
      compared('model answers at once', atOnce, 8, 5),
      ...KINDS.map((kind) => compared(`  of these, ${kind}`, only(atOnce, kind))),
      compared('beside a bare loop of the AI SDK', { durable: atOnce.durable, plain: bareRuns }),
      compared('each run of 50, in all', { durable: sums(atOnce.durable), plain: sums(atOnce.plain) }),
      compared(`model thinks ${THINK_MS} ms`, { durable: [thinking.durable], plain: [thinking.plain] }, 8, 5),
      compared('first run of a fresh process', { durable: [first.durable], plain: [first.plain] }),
      [cpu, sent],
    ].flat();
  },
};

type Pids = () => Promise<number[]>;

type Pair = Record<'durable' | 'plain', Pick<Run, 'overheads'>[]>;

/** Two figures where there are two goals: for the overhead itself, and for what of it is durability. */
function compared(name: string, { durable, plain }: Pair, atMost?: number, mostMore?: number): Figure[] {
  const values = durable.flatMap((run) => run.overheads);
  const baseline = plain.flatMap((run) => run.overheads);
  const figure = { name, unit: 'ms', values, baseline };
  if (atMost === undefined || mostMore === undefined) return [figure];
  return [
    { ...figure, goal: { of: 'median', atMost } },
    { ...figure, name: '  of it, durability', goal: { of: 'difference', atMost: mostMore } },
  ];
}

function only(pair: Pair, kind: string): Pair {
  const pick = (runs: Pair['durable']) =>
    runs.map((run) => ({ overheads: run.overheads.filter((_, k) => kindOf(k) === kind) }));
  return { durable: pick(pair.durable), plain: pick(pair.plain) };
}

const sums = (runs: Run[]): Pair['durable'] =>
  runs.map((run) => ({ overheads: [run.overheads.reduce((sum, ms) => sum + ms, 0)] }));
