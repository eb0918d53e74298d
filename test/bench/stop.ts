import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskEvent } from '../../server/protocol/events.ts';
import type { Scenario } from '../fakes/model/script.ts';
import type { Bench, Place } from './bench.ts';
import { follow } from './follow.ts';
import { processesWith } from './processes.ts';
import { openRelay } from './relay.ts';
import { times } from './stats.ts';

const RUNS = 10;
/** Nobody else sleeps for as long: by this the processes are known. */
const MARK = '86753';
const LOOK_EVERY_MS = 2;

const SPEAKS: Scenario = [
  { steps: [], otherwise: { text: 'word '.repeat(1200), chunkSize: 5, delayMs: 50 } },
];
/** One in the foreground, and one that it left behind. */
const RUNS_COMMAND: Scenario = [
  {
    steps: [],
    otherwise: {
      toolCalls: [{ name: 'bash', arguments: { command: `sleep ${MARK} & echo started; sleep ${MARK}` } }],
    },
  },
];

/** From the request to stop to the turn's end, and to the death of all that ran for it. */
export const stop: Bench = {
  about: 'from POST stop to turn.ended, and to the death of all processes',
  async run(place: Place) {
    await using scope = new AsyncDisposableStack();
    const repository = await place.small();
    const { relay, model } = await openRelay(scope, join(place.directory, 'stop'), SPEAKS);
    const { taskId } = await relay.delegate(repository, 'Speak.');
    let seq = 0;

    /** Stops the turn that runs, once `isUnderWay` was seen of it. */
    const stopped = async (
      isUnderWay: (event: TaskEvent) => boolean,
    ): Promise<{ ended: number; dead: number }> => {
      ({ seq } = await follow(relay.client, taskId, isUnderWay, undefined, seq));
      const end = follow(relay.client, taskId, ({ type }) => type === 'turn.ended', undefined, seq);
      const askedAt = performance.now();
      const dead = relay.client.stop(taskId).then(async () => {
        while ((await processesWith(`sleep\0${MARK}`)).length > 0) await sleep(LOOK_EVERY_MS);
        return performance.now() - askedAt;
      });
      ({ seq } = await end);
      return { ended: performance.now() - askedAt, dead: await dead };
    };
    const again = async (isUnderWay: (event: TaskEvent) => boolean) => {
      await relay.client.sendMessage(taskId, { clientId: randomUUID(), text: 'Go on.' });
      return stopped(isUnderWay);
    };

    const speaks = ({ type }: TaskEvent): boolean => type === 'text.delta';
    await stopped(speaks);
    const speaking = await times(RUNS, () => again(speaks));
    model.use(RUNS_COMMAND);
    const running = await times(RUNS, () => again(({ type }) => type === 'tool.output'));

    const goal = { of: 'max', atMost: 2000 } as const;
    return [
      { name: 'the model speaks: turn ended', unit: 'ms', values: speaking.map(({ ended }) => ended), goal },
      { name: 'a command runs: turn ended', unit: 'ms', values: running.map(({ ended }) => ended), goal },
      {
        name: 'a command runs: all processes dead',
        unit: 'ms',
        values: running.map(({ dead }) => dead),
        goal,
      },
    ];
  },
};
