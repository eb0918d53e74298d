import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { AppError } from '../errors.ts';
import type { App } from './app.ts';

export interface HttpServer {
  url: string;
  close(): Promise<void>;
}

/** Listens on the wanted port; if somebody else has it and nobody insisted, on a free one. */
export async function serveHttp(
  app: App,
  { host, port, portIsChosen }: { host: string; port: number; portIsChosen: boolean },
): Promise<HttpServer> {
  const server = (await listen(app, host, port)) ?? (portIsChosen ? undefined : await listen(app, host, 0));
  if (!server) {
    throw new AppError('not_ready', `Port ${port} on ${host} is in use.`, {
      nextAction: 'Set HANDOFF_PORT to another one, or 0 for any free port.',
    });
  }
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(app: App, hostname: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, () => resolve(server)) as Server;
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    // A stream of events has no end; a request must come in within a minute all the same.
    server.requestTimeout = 60_000;
  });
}
