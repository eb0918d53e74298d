import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import type { EventLog } from '../tasks/event-log.ts';
import type { App } from './app.ts';
import * as routes from './routes.ts';

export interface EventRouteDeps {
  log: EventLog;
  /** Aborts when the relay ends: open streams end with it. */
  closing: AbortSignal;
}

/** A comment this often (ms) tells both ends, and everything between them, that the stream lives. */
const HEARTBEAT_MS = 10_000;

export function eventRoutes(app: App, { log, closing }: EventRouteDeps): void {
  app.openapi(routes.followEvents, async (context) => {
    const { id } = context.req.valid('param');
    // A browser-like client that reconnects repeats its first URL: what it has seen since is in the header.
    const lastSeen = Number(context.req.header('last-event-id'));
    const after =
      Number.isSafeInteger(lastSeen) && lastSeen > 0 && lastSeen <= routes.MAX_SEQ
        ? lastSeen
        : (context.req.valid('query').after ?? 0);

    context.header('x-accel-buffering', 'no');
    return streamSSE(context, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const end = AbortSignal.any([gone.signal, closing]);
      const beat = setInterval(() => void comment(stream), HEARTBEAT_MS);
      try {
        // Says at once that the stream is open, also where there is nothing to tell yet.
        await comment(stream);
        for await (const events of log.follow(id, after, end)) {
          for (const event of events) {
            await stream.writeSSE({ id: String(event.seq), data: JSON.stringify(event) });
          }
        }
      } finally {
        clearInterval(beat);
      }
    }) as never;
  });
}

const comment = (stream: SSEStreamingApi): Promise<unknown> => stream.write(': \n\n');
