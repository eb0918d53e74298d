import type { RelayClient } from '../../../server/protocol/client.ts';
import type { EventOf, TaskEvent, TaskEventType } from '../../../server/protocol/events.ts';

/** A task's events as they come. */
export interface Watch {
  /** What has come, in the order in which it came. */
  events: TaskEvent[];
  /** Resolves with the first event of that type for which `accept` holds, past or to come. */
  until<Type extends TaskEventType>(
    type: Type,
    accept?: (event: EventOf<Type>) => boolean,
  ): Promise<EventOf<Type>>;
  /**
   * Resolves with all that is in the task's record by now, once it has come. For what was learned of elsewhere: a stream whose relay was
   * killed connects again when its pause is over, long after the next relay answers whoever asks.
   */
  caughtUp(): Promise<TaskEvent[]>;
  close(): Promise<void>;
}

/** Follows a task from `after` on, through restarts of the relay. */
export function follow(client: RelayClient, taskId: string, after: number): Watch {
  const end = new AbortController();
  const events: TaskEvent[] = [];
  const waiting = new Set<() => void>();
  const followed = client.events(taskId, after, {
    signal: end.signal,
    onEvent: (event) => {
      events.push(event);
      for (const look of waiting) look();
    },
  });
  /** Resolves with what `find` finds, now or once another event has come. */
  const found = <T>(find: () => T | undefined): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const wanted = find();
        if (wanted === undefined) return;
        waiting.delete(look);
        resolve(wanted);
      };
      waiting.add(look);
      followed.catch(reject);
      look();
    });
  return {
    events,
    until<Type extends TaskEventType>(type: Type, accept: (event: EventOf<Type>) => boolean = () => true) {
      const isWanted = (event: TaskEvent): event is EventOf<Type> =>
        event.type === type && accept(event as EventOf<Type>);
      return found(() => events.find(isWanted));
    },
    async caughtUp() {
      const { seq } = await client.getTask(taskId);
      await found(() => events.find((event) => event.seq >= seq));
      return [...events];
    },
    async close() {
      end.abort();
      await followed.catch(() => {});
    },
  };
}
