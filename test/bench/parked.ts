import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Place } from './bench.ts';
import type { Figure } from './figure.ts';
import { until } from './follow.ts';
import { collectGarbage } from './inspector.ts';
import { memoryOf, type RelayMemory } from './processes.ts';
import { type BenchRelay, hibernateSandboxes, openRelay } from './relay.ts';

const TASKS = 200;
/** Tasks that are begun at once; their sandboxes sleep before the next begin. */
const AT_ONCE = 20;
/** What Postgres and the relay need to come to rest, ms. */
const REST_MS = 1500;

const ASKS = [
  {
    steps: [],
    otherwise: {
      toolCalls: [{ name: 'ask_user', arguments: { question: 'Which one?', options: [{ label: 'This' }] } }],
    },
  },
];

/** What a task costs that waits for its person, perhaps for days: memory of the relay and of its Postgres; sandboxes sleep. */
export const parked: Bench = {
  about: `memory of ${TASKS} tasks whose turn waits for an answer, sandboxes hibernated`,
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const repository = await place.small();
    const { relay, model } = await openRelay(scope, join(place.directory, 'parked'), ASKS, {
      nodeOptions: ['--inspect=127.0.0.1:0'],
    });
    const park = async (tasks: number): Promise<void> => {
      const begun = await Promise.all(Array.from({ length: tasks }, () => relay.delegate(repository)));
      await Promise.all(begun.map(({ taskId }) => until(relay.client, taskId, 'turn.parked')));
      model.requests.length = 0;
      await hibernateSandboxes(relay.work);
    };

    // Code that runs for the first time, and connections that stay: no part of what a task costs.
    await park(AT_ONCE);
    const before = await measured(relay);
    for (let done = 0; done < TASKS; done += AT_ONCE) {
      await park(AT_ONCE);
      place.say(`${done + AT_ONCE} of ${TASKS} parked`);
    }
    const after = await measured(relay);

    const each = (part: (memory: Measured) => number): number[] => [(part(after) - part(before)) / TASKS];
    const goal = { of: 'median', atMost: 1 } as const;
    const total = ({ memory: { relay: own, postgres } }: Measured): number => own.pss + postgres.pss;
    const figures: Figure[] = [
      { name: 'a parked task: relay and Postgres, PSS', unit: 'MiB', values: each(total), goal },
      { name: '  of it, the relay', unit: 'MiB', values: each(({ memory }) => memory.relay.pss) },
      { name: '  of it, Postgres', unit: 'MiB', values: each(({ memory }) => memory.postgres.pss) },
      { name: '  of it, held by the relay’s heap', unit: 'MiB', values: each(({ heap }) => heap) },
      { name: `relay with ${TASKS + AT_ONCE} parked, PSS`, unit: 'MiB', values: [after.memory.relay.pss] },
      { name: `its Postgres, PSS`, unit: 'MiB', values: [after.memory.postgres.pss] },
    ];
    return figures;
  },
};

interface Measured {
  memory: RelayMemory;
  /** MiB in use on the relay's heap. */
  heap: number;
}

/** After a rest and a garbage collection: what is held, not what has yet to be collected. */
async function measured(relay: BenchRelay): Promise<Measured> {
  await sleep(REST_MS);
  const heap = await collectGarbage(relay.inspector());
  return { memory: await memoryOf(relay), heap };
}
