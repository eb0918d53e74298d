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
  return {
    events,
    until<Type extends TaskEventType>(type: Type, accept: (event: EventOf<Type>) => boolean = () => true) {
      const isWanted = (event: TaskEvent): event is EventOf<Type> =>
        event.type === type && accept(event as EventOf<Type>);
      return new Promise<EventOf<Type>>((resolve, reject) => {
        const look = (): void => {
          const found = events.find(isWanted);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        followed.catch(reject);
        look();
      });
    },
    async close() {
      end.abort();
      await followed.catch(() => {});
    },
  };
}
