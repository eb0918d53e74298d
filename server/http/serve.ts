import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { AppError, toFailure } from '../errors.ts';
import type { ErrorBody } from '../protocol/errors.ts';
import { reachableHost } from './address.ts';
import type { App } from './app.ts';

export interface HttpServer {
  /** By which this machine reaches it. */
  url: string;
  /** From now on `app` answers; until then every request is told `not_ready`. */
  use(app: Pick<App, 'fetch'>): void;
  close(): Promise<void>;
}

/**
 * Milliseconds. A stream of events has no end, and a bundle over a slow line takes what it takes, so there is no limit to a
 * request; its headers must come in soon all the same.
 */
const TIMEOUTS = { requestTimeout: 0, headersTimeout: 60_000 };

/** Listens on the wanted port; if somebody else has it and nobody insisted, on a free one. */
export async function serveHttp({
  host,
  port,
  portIsChosen,
}: {
  host: string;
  port: number;
  portIsChosen: boolean;
}): Promise<HttpServer> {
  let app: Pick<App, 'fetch'> = { fetch: starting };
  const fetch: App['fetch'] = (request, env) => app.fetch(request, env);
  const server =
    (await listen(fetch, host, port)) ?? (portIsChosen ? undefined : await listen(fetch, host, 0));
  if (!server) {
    throw new AppError('not_ready', `Port ${port} on ${host} is in use.`, {
      nextAction: 'Set HANDOFF_PORT to another one, or 0 for any free port.',
    });
  }
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  return {
    url: `http://${reachableHost(host)}:${bound}`,
    use(ready) {
      app = ready;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function starting(): Response {
  const failure = toFailure(
    new AppError('not_ready', 'The relay is starting.', { nextAction: 'Try again in a moment.' }),
  );
  return Response.json({ ...failure, requestId: randomUUID() } satisfies ErrorBody, { status: 503 });
}

function listen(fetch: App['fetch'], hostname: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname, port, serverOptions: TIMEOUTS }, () => resolve(server)) as Server;
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
  });
}
