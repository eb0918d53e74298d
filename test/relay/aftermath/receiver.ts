import { setTimeout as delay } from 'node:timers/promises';
import { listen, readJsonObject, sendJson } from '../../fakes/http.ts';

export interface Received {
  headers: { type: string | undefined; key: string | undefined };
  body: Record<string, unknown> | undefined;
}

/** Somebody who wants to know of turns' ends. What is told comes last but for the sleep of the sandbox, so it tells a test, too. */
export interface Receiver {
  url: string;
  received: Received[];
  /** Resolves once so many were received; a relay that died may have one told twice. */
  count(n: number): Promise<Received[]>;
  /** Resolves once that turn's end was told. */
  of(turnId: string): Promise<void>;
  /** From now on nobody is answered, until it is called with false. */
  hold(isHeld: boolean): void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const until = (isSo: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  let isHeld = false;
  const listener = await listen(async (request, response) => {
    const body = await readJsonObject(request);
    const key = request.headers['idempotency-key'];
    received.push({ headers: { type: request.headers['content-type'], key: String(key) }, body });
    for (const look of waiting) look();
    while (isHeld && !response.destroyed) await delay(20);
    if (!response.destroyed) sendJson(response, 200, {});
  });
  return {
    url: `${listener.url}/hooks/secret-path`,
    received,
    count: (n) => until(() => received.length >= n).then(() => received),
    of: (turnId) => until(() => received.some(({ headers }) => headers.key === turnId)),
    hold: (now) => {
      isHeld = now;
    },
    close: listener.close,
  };
}
