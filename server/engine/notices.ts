import pg from 'pg';

/** Wakes whoever waits for news of a task, in any relay on the same database. */
export interface Notices {
  /** Calls back at each notice of `channelKey` (a task's id), and once after a lost connection came back. */
  subscribe(channelKey: string, wake: () => void): () => void;
  close(): Promise<void>;
}

const CHANNEL = 'handoff';
const RECONNECT_MS = 500;

/** One listening connection for the whole relay; a notice carries no data, so that nothing depends on its order. */
export async function listen(url: string): Promise<Notices> {
  const subscribers = new Map<string, Set<() => void>>();
  let closed = false;
  let client: pg.Client | undefined;

  const wakeAll = (): void => {
    for (const wakes of subscribers.values()) for (const wake of wakes) wake();
  };
  const connect = async (): Promise<void> => {
    const next = new pg.Client({ connectionString: url, keepAlive: true });
    next.on('notification', ({ payload }) => {
      for (const wake of subscribers.get(payload ?? '') ?? []) wake();
    });
    next.on('error', () => {});
    next.on('end', () => {
      if (!closed) setTimeout(retry, RECONNECT_MS).unref();
    });
    await next.connect();
    await next.query(`LISTEN ${CHANNEL}`);
    client = next;
  };
  const retry = (): void => {
    if (closed) return;
    connect().then(wakeAll, () => setTimeout(retry, RECONNECT_MS).unref());
  };

  await connect();
  return {
    subscribe(channelKey, wake) {
      const wakes = subscribers.get(channelKey) ?? new Set();
      subscribers.set(channelKey, wakes.add(wake));
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0) subscribers.delete(channelKey);
      };
    },
    async close() {
      closed = true;
      await client?.end();
    },
  };
}
