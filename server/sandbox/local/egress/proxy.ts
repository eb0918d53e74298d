import {
  request as ask,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { hostName } from '../../network.ts';
import type { NetworkPolicy } from '../../sandbox.ts';
import { passedOn } from './headers.ts';
import { reach, Unreached, type World } from './reach.ts';
import type { RefusalLog } from './refusals.ts';
import { absoluteTarget, connectTarget, type Target } from './target.ts';

/** Bytes of a message's headers, from the sandbox and from the server. */
const MAX_HEADERS = 16 << 10;
const MAX_ANSWER_HEADERS = 64 << 10;
/** Milliseconds for a request's headers, and how often that is looked at. */
const HEADER_PATIENCE = 15_000;
const HEADER_PACE = 5_000;
/** Milliseconds that a client has for taking in a refusal. */
const LINGER = 5_000;
/** Requests that a client may send ahead on one connection. */
const MAX_PIPELINED = 16;

/** What one sandbox's proxy goes by. */
export interface ProxyRules {
  policy: NetworkPolicy;
  world: World;
  refusals: RefusalLog;
  /** Milliseconds without a byte in either direction after which a connection is cut. */
  idleMs: number;
}

/**
 * An HTTP proxy: `CONNECT host:port` for a tunnel, `GET http://host/` for a plain request. It says why it refuses, and never
 * what it found on the other side. What goes through a tunnel, and under which name it asks there, is the client's affair.
 */
export function proxyServer(rules: ProxyRules): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADERS,
    headersTimeout: HEADER_PATIENCE,
    connectionsCheckingInterval: HEADER_PACE,
    // An upload may take its time.
    requestTimeout: 0,
    insecureHTTPParser: false,
  });
  server.on('connect', (request, socket, head) => void tunnel(rules, request, socket, head));
  const inTurn = oneAfterAnother();
  server.on('request', (request, response) => inTurn(request.socket, () => relay(rules, request, response)));
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(answer(400, 'That is no HTTP request that a proxy can take.'));
  });
  return server;
}

async function tunnel(
  rules: ProxyRules,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  client.on('error', () => client.destroy());
  // At once, for a client that has nothing more to say may end before the server is reached.
  if (head.length > 0) client.unshift(head);
  try {
    const target = connectTarget(request.url ?? '');
    if (target === undefined)
      throw new Unreached(400, 'CONNECT takes a host and a port, such as example.com:443.');
    const upstream = await connection(rules, target);
    if (client.destroyed) {
      upstream.destroy();
      return;
    }
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    join(client, upstream);
  } catch (error) {
    const { status, message } = failure(error);
    client.end(answer(status, message));
    request.socket.setTimeout(LINGER, () => request.socket.destroy());
  }
}

/** Passes on both directions, each at the pace of its reader, and each one's end by itself; a failure of one ends both. */
export function join(one: Duplex, other: Duplex): void {
  const over = (error: unknown): void => {
    if (error) for (const side of [one, other]) side.destroy();
  };
  pipeline(one, other, over);
  pipeline(other, one, over);
}

/** Node hands out all requests of a connection as they come: without this, one would be good for any number to servers. */
function oneAfterAnother(): (socket: Socket, work: () => Promise<void>) => void {
  const queues = new WeakMap<Socket, { last: Promise<void>; length: number }>();
  return (socket, work) => {
    const queue = queues.get(socket) ?? { last: Promise.resolve(), length: 0 };
    queues.set(socket, queue);
    if (queue.length >= MAX_PIPELINED) {
      socket.destroy();
      return;
    }
    queue.length += 1;
    queue.last = queue.last.then(work).finally(() => {
      queue.length -= 1;
    });
  };
}

/** One plain request, to its end. Never fails. */
async function relay(rules: ProxyRules, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.sendDate = false;
  response.on('error', () => {});
  try {
    const asked = absoluteTarget(request.url ?? '');
    if (asked === undefined)
      throw new Unreached(400, 'This is a proxy: it takes CONNECT, or a whole URL of http.');
    const upstream = await connection(rules, asked.target);
    if (response.destroyed) {
      upstream.destroy();
      return;
    }
    await exchange(request, response, asked, upstream);
  } catch (error) {
    const { status, message } = failure(error);
    if (response.headersSent || response.destroyed) response.destroy();
    else response.writeHead(status, refusalHeaders(message)).end(`${message}\n`);
  }
}

/** One request and its answer over a connection of their own. @throws Unreached, before the answer has begun */
function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  { target, path }: { target: Target; path: string },
  upstream: Socket,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = false;
    const broken = (): void => {
      if (begun) return;
      upstream.destroy();
      reject(new Unreached(502, `${target.host}:${target.port} did not answer as HTTP does.`));
    };
    response.on('close', () => upstream.destroy());
    try {
      const asking = ask({
        createConnection: () => upstream,
        method: request.method,
        path,
        headers: headersFor(target, request),
        setHost: false,
        maxHeaderSize: MAX_ANSWER_HEADERS,
      });
      asking.on('response', (answered) => {
        try {
          response.writeHead(
            answered.statusCode ?? 502,
            answered.statusMessage,
            passedOn(answered.rawHeaders),
          );
          begun = true;
          pipeline(answered, response, () => resolve());
        } catch {
          broken(); // A reason or a header that may not be sent on.
        }
      });
      asking.on('error', broken).on('close', broken);
      pipeline(request, asking, () => {});
    } catch {
      broken(); // A method or path that may not be sent on.
    }
  });
}

/** The server is asked under the name that was checked, whatever `Host` says, and once on each connection. */
function headersFor({ host, port }: Target, request: IncomingMessage): string[] {
  const name = host.includes(':') ? `[${host}]` : (hostName(host) ?? host);
  return [
    ...['Host', port === 80 ? name : `${name}:${port}`],
    ...passedOn(request.rawHeaders, ['host']),
    ...['Connection', 'close'],
    ...(request.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked']),
  ];
}

async function connection({ policy, world, refusals, idleMs }: ProxyRules, target: Target): Promise<Socket> {
  try {
    const socket = await reach(policy, target, world);
    return socket.setTimeout(idleMs, () => socket.destroy());
  } catch (error) {
    if (error instanceof Unreached && error.why !== undefined) refusals.note({ ...target, why: error.why });
    throw error;
  }
}

/** Whatever went wrong, told without what is behind it. */
function failure(error: unknown): Unreached {
  return error instanceof Unreached ? error : new Unreached(502, 'The request could not be passed on.');
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  502: 'Bad Gateway',
};

function refusalHeaders(message: string): string[] {
  const length = String(Buffer.byteLength(message) + 1);
  return ['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', length];
}

/** A whole answer as bytes, for a socket that has no response object. */
function answer(status: number, message: string): string {
  const headers = [...refusalHeaders(message), 'Connection', 'close'];
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []));
  return [`HTTP/1.1 ${status} ${TITLES[status] ?? ''}`, ...lines, '', `${message}\n`].join('\r\n');
}
