import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { createServer, type Server, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { WIRE_VERSION } from '../supervised/wire.ts';
import { createContext } from './context.ts';
import { imageEnvironment } from './image-environment.ts';
import { serve } from './serve.ts';
import { belongTo, type MachinePlaces, writeRunning } from './websocket-place.ts';
import { KEY_HEADER, streamOver, WEBSOCKET_OPTIONS } from './websocket-stream.ts';

/** The first port that is tried, of those that vendors show to the outside (3000 to 9999) and nobody else is used to take. */
const FIRST_PORT = 9_321;
const LAST_PORT = 9_999;

/** What the supervisor says to whoever asks at its lock. */
export interface Greeting {
  instance: string;
  version: number;
}

/**
 * Is the supervisor of this machine until the process ends; ends it at once where another is.
 * @param machine names this machine among those that are copies of each other
 */
export async function serveMachine(places: MachinePlaces, machine: string): Promise<void> {
  const instance = randomBytes(8).toString('hex');
  const greeting: Greeting = { instance, version: WIRE_VERSION };
  const lock = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${JSON.stringify(greeting)}\n`);
  });
  if (!(await listens(lock, { path: places.lock }))) process.exit(0);

  belongTo(places, machine);
  // The search finds ripgrep where commands find their programs.
  process.env['PATH'] = places.path;
  const context = createContext(places, imageEnvironment(process.env));
  const key = randomBytes(32).toString('base64url');
  const websockets = new WebSocketServer({ noServer: true, ...WEBSOCKET_OPTIONS });
  const http = createHttpServer((_request, response) => {
    response.writeHead(426, { connection: 'close' });
    response.end();
  });
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    if (!(socket instanceof Socket) || !hasKey(request, key)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
      return;
    }
    socket.setNoDelay(true);
    websockets.handleUpgrade(request, socket, head, (websocket) =>
      serve(streamOver(websocket, socket), context),
    );
  });
  const port = await listenSomewhere(http);
  writeRunning(places, { instance, pid: process.pid, port, key });
}

function hasKey({ headers }: IncomingMessage, key: string): boolean {
  const given = Buffer.from(String(headers[KEY_HEADER] ?? ''));
  return given.length === key.length && timingSafeEqual(given, Buffer.from(key));
}

/** Only on loopback: what brings connections from outside is a process of the vendor's in this machine. */
async function listenSomewhere(http: HttpServer): Promise<number> {
  for (let port = FIRST_PORT; port <= LAST_PORT; port += 1)
    if (await listens(http, { host: '127.0.0.1', port })) return port;
  throw new Error(`no port from ${FIRST_PORT} to ${LAST_PORT} is free`);
}

/** False where somebody else listens there. */
async function listens(
  server: Server,
  at: { path: string } | { host: string; port: number },
): Promise<boolean> {
  try {
    server.listen(at);
    await once(server, 'listening');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
}
