import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskEvent } from '../../server/protocol/events.ts';
import { git } from '../fakes/git.ts';
import { startFakeModel } from '../fakes/model/server.ts';
import type { Bench, Place, Repository } from './bench.ts';
import type { Figure } from './figure.ts';
import { follow } from './follow.ts';
import { watchModels } from './model-times.ts';
import { type BenchRelay, openRelay, startRelay } from './relay.ts';
import { times } from './stats.ts';

const FIRST_STARTS = 3;
const LATER_STARTS = 5;
const TASKS = { small: 10, large: 2 };
const LOOK_EVERY_MS = 5;

const SAYS = [{ steps: [], otherwise: { text: 'Done.' } }];

/** How long a person waits before anything happens: for the relay, and for a new task. */
export const start: Bench = {
  about: 'start of a relay, and from a new task to its first model request',
  async run(place: Place) {
    return [...(await relayStarts(place)), ...(await newTasks(place))];
  },
};

async function relayStarts(place: Place): Promise<Figure[]> {
  const model = await startFakeModel({ scenario: SAYS });
  const startAndEnd = async (directory: string): Promise<number> => {
    const relay = await startRelay({ directory, model });
    await relay.close();
    await postgresEnds(relay);
    return relay.startedInMs;
  };
  try {
    const first = await times(FIRST_STARTS, (n) => startAndEnd(join(place.directory, `start-${n}`)));
    const later = await times(LATER_STARTS, () => startAndEnd(join(place.directory, 'start-0')));
    return [
      { name: 'relay, first start ever', unit: 'ms', values: first, goal: { of: 'median', atMost: 2500 } },
      { name: 'relay, later start', unit: 'ms', values: later, goal: { of: 'median', atMost: 1000 } },
    ];
  } finally {
    await model.close();
  }
}

/** It ends by itself a moment after its relay; a start before that would wait for it. */
async function postgresEnds({ data }: BenchRelay): Promise<void> {
  const runs = (): Promise<boolean> =>
    access(join(data, 'postgres', 'postmaster.pid')).then(
      () => true,
      () => false,
    );
  while (await runs()) await sleep(LOOK_EVERY_MS);
}

interface NewTask {
  /** From the request to the first request to the model, ms. */
  total: number;
  /** How long each of `PHASES` took, ms. */
  phases: number[];
}

const PHASES = ['claimed', 'source fetched', 'sandbox started and filled', 'model called'];

/** By the times of the events that end each phase. */
function phasesOf(events: readonly TaskEvent[]): number[] {
  const ends = [
    (event: TaskEvent) => event.type === 'turn.started',
    (event: TaskEvent) => event.type === 'sandbox.changed',
    (event: TaskEvent) => event.type === 'sandbox.changed' && event.detail === 'Starting the sandbox',
    (event: TaskEvent) => event.type === 'sandbox.changed' && event.state === 'running',
    (event: TaskEvent) => event.type === 'model.called',
  ].map((isEnd) => events.find(isEnd)?.at ?? NaN);
  return ends.slice(1).map((end, i) => end - (ends[i] ?? NaN));
}

/** Against what Git alone takes for the same files: a shallow clone with a working tree. */
async function newTasks(place: Place): Promise<Figure[]> {
  await using scope = new AsyncDisposableStack();
  const clock = watchModels();
  scope.defer(() => clock.close());
  const directory = join(place.directory, 'tasks');
  const { relay } = await openRelay(scope, directory, SAYS);

  const delegate = async (repository: Repository): Promise<NewTask> => {
    clock.clear();
    const askedAt = performance.now();
    const { taskId } = await relay.delegate(repository);
    const seen: TaskEvent[] = [];
    await follow(
      relay.client,
      taskId,
      ({ type }) => type === 'turn.ended',
      (event) => seen.push(event),
    );
    await relay.client.archive(taskId);
    return { total: (clock.asked[0] ?? NaN) - askedAt, phases: phasesOf(seen) };
  };
  const clone = async (repository: Repository): Promise<number> => {
    const target = join(directory, 'clone');
    const startedAt = performance.now();
    // As the relay has it: without a search for deltas, which on these files takes longer than all the rest.
    const upload = '--upload-pack=git -c pack.window=0 upload-pack';
    await git(directory, ['clone', '--quiet', '--depth=1', upload, `file://${repository.directory}`, target]);
    const ms = performance.now() - startedAt;
    await rm(target, { recursive: true });
    return ms;
  };
  const compared = async (name: string, repository: Repository, n: number): Promise<Figure[]> => {
    await delegate(repository);
    const pairs = await times(n, async () => ({
      task: await delegate(repository),
      clone: await clone(repository),
    }));
    place.say(name);
    const total: Figure = {
      name,
      unit: 'ms',
      values: pairs.map(({ task }) => task.total),
      baseline: pairs.map((pair) => pair.clone),
      goal: { of: 'difference', atMost: 100 },
    };
    const phases = PHASES.map((phase, i) => ({
      name: `  ${phase}`,
      unit: 'ms',
      values: pairs.map(({ task }) => task.phases[i] ?? NaN),
    }));
    return [total, ...phases];
  };
  return [
    ...(await compared('new task, small project, against git clone', await place.small(), TASKS.small)),
    ...(await compared('new task, 5,000 files, against git clone', await place.large(), TASKS.large)),
  ];
}
