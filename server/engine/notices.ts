import pg from 'pg';

/** Wakes whoever waits for news of a task, in any relay on the same database. */
export interface Notices {
  /** Calls back at each notice of `channelKey` (a task's id), and once after a lost connection came back. */
  subscribe(channelKey: string, wake: () => void): () => void;
  close(): Promise<void>;
}

const CHANNEL = 'handoff';
/** How long (ms) after a failure the next connection is tried, and how long one may take to come about. */
const RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 10_000;

/** One listening connection for the whole relay; a notice carries no data, so that nothing depends on its order. */
export async function listen(url: string): Promise<Notices> {
  const subscribers = new Map<string, Set<() => void>>();
  let closed = false;
  let client: pg.Client | undefined;
  let pending: NodeJS.Timeout | undefined;

  const wakeAll = (): void => {
    for (const wakes of subscribers.values()) for (const wake of wakes) wake();
  };
  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: url,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5000,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    next.on('notification', ({ payload }) => {
      for (const wake of subscribers.get(payload ?? '') ?? []) wake();
    });
    next.on('error', () => {});
    try {
      await next.connect();
      await next.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      next.end().catch(() => {});
      throw error;
    }
    // Only now: a client that fails to connect both rejects and ends, and would be followed by two others.
    next.once('end', retryLater);
    client = next;
    if (closed) await next.end();
  };
  const retryLater = (): void => {
    if (closed || pending) return;
    pending = setTimeout(() => {
      pending = undefined;
      connect().then(wakeAll, retryLater);
    }, RECONNECT_MS).unref();
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
      clearTimeout(pending);
      await client?.end();
    },
  };
}
