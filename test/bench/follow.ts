import { setTimeout as delay } from 'node:timers/promises';
import type { RelayClient } from '../../server/protocol/client.ts';
import type { EventOf, TaskEvent, TaskEventType } from '../../server/protocol/events.ts';

/** Follows a task until `isLast`, through restarts of its relay. @returns that event; `onEvent` sees each before */
export async function follow(
  client: RelayClient,
  taskId: string,
  isLast: (event: TaskEvent) => boolean,
  onEvent: (event: TaskEvent) => void = () => {},
  after = 0,
): Promise<TaskEvent> {
  const end = new AbortController();
  let last: TaskEvent | undefined;
  await client.events(taskId, after, {
    signal: end.signal,
    onEvent(event) {
      onEvent(event);
      if (!isLast(event)) return;
      last = event;
      end.abort();
    },
  });
  if (last === undefined) throw new Error('the events ended without the one that was waited for');
  return last;
}

/** Waits for the first event of that type, past or to come. */
export async function until<Type extends TaskEventType>(
  client: RelayClient,
  taskId: string,
  type: Type,
  after = 0,
): Promise<EventOf<Type>> {
  return (await follow(client, taskId, (event) => event.type === type, undefined, after)) as EventOf<Type>;
}

/** Waits for the turn's end. Throws where it failed: then nothing that was measured means anything. */
export async function turnEnd(
  client: RelayClient,
  taskId: string,
  after = 0,
): Promise<EventOf<'turn.ended'>> {
  const ended = await until(client, taskId, 'turn.ended', after);
  if (ended.outcome === 'failed') throw new Error(`the turn failed: ${ended.error?.message}`);
  return ended;
}

const LOOK_EVERY_MS = 10;

/** Waits for the end of a task's last turn without following it, which would cost the process of the model its time. */
export async function settled(client: RelayClient, taskId: string): Promise<void> {
  for (;;) {
    const turn = (await client.getTask(taskId)).turns.at(-1);
    if (turn?.outcome === 'completed') return;
    if (turn?.outcome !== undefined) throw new Error(`the turn ended as ${turn.outcome}`);
    await delay(LOOK_EVERY_MS);
  }
}
