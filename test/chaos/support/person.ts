import { setTimeout as delay } from 'node:timers/promises';
import { createRelayClient, type RelayClient, RelayError } from '../../../server/protocol/client.ts';
import { follow, type Watch } from '../../relay/turn/watch.ts';

/** A person who asks again until a relay answers, and follows tasks through any number of its deaths. */
export interface Person {
  client: RelayClient;
  /** Does what is safe to repeat, until it was answered. Refusals are answers. */
  insist<T>(command: () => Promise<T>): Promise<T>;
  watch(taskId: string, after?: number): Watch;
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
