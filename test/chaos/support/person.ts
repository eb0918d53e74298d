import { setTimeout as delay } from 'node:timers/promises';
import { createRelayClient, type RelayClient, RelayError } from '../../../server/protocol/client.ts';
import type { EventOf, TaskEvent, TaskEventType } from '../../../server/protocol/events.ts';

/** A person who asks again until a relay answers, and follows tasks through any number of its deaths. */
export interface Person {
  client: RelayClient;
  /** Does what is safe to repeat, until it was answered. Refusals are answers. */
  insist<T>(command: () => Promise<T>): Promise<T>;
  watch(taskId: string, after?: number): Watch;
}

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

/** How long (ms) until a command is tried again, and at most until a stream is. */
const AGAIN_MS = 50;
const STREAM_AGAIN_MS = 100;

export function createPerson(url: string, token: string): Person {
  const client = createRelayClient({ url, token, maxBackoffMs: STREAM_AGAIN_MS });
  return {
    client,
    async insist(command) {
      for (;;) {
        try {
          return await command();
        } catch (error) {
          if (!isAway(error)) throw error;
          await delay(AGAIN_MS);
        }
      }
    },
    watch: (taskId, after = 0) => follow(client, taskId, after),
  };
}

const isAway = (error: unknown): boolean =>
  error instanceof RelayError && (error.code === 'unreachable' || error.code === 'not_ready');

function follow(client: RelayClient, taskId: string, after: number): Watch {
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
  followed.catch(() => {});
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
        followed.then(() => reject(new Error(`${type} did not come`)), reject);
        look();
      });
    },
    async close() {
      end.abort();
      await followed.catch(() => {});
    },
  };
}
