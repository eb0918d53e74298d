import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { requestHeaders, responseHeaders, type Visited } from './headers.ts';

/** Bytes of an answer's headers that are taken from a sandbox. */
const MAX_HEADERS = 64 << 10;

/** What is forwarded, and over which connection: a fresh one each, so that no request can be taken for a part of another. */
export interface Passing extends Visited {
  stream: Duplex;
  /** The server's answer is none. */
  onFailure: () => void;
}

/** Sends a request on, and the answer back, both as they come. */
export function forward(incoming: IncomingMessage, answer: ServerResponse, passing: Passing): void {
  const outgoing = begin(incoming, passing, framing(incoming));
  outgoing.on('response', (response) => give(response, incoming, answer, passing));
  // Why it broke is of no use to anybody; that it did is told by `close`.
  pipeline(incoming, outgoing, () => {});
  failing(outgoing, answer, passing);
}

/** The same for a WebSocket: what follows the server's consent goes both ways untouched. */
export function forwardUpgrade(
  incoming: IncomingMessage,
  answer: ServerResponse,
  passing: Passing & { socket: Duplex; head: Buffer; onHeard: () => void },
): void {
  const { socket, head, onHeard, port } = passing;
  const outgoing = begin(incoming, passing, { connection: 'Upgrade', upgrade: 'websocket' });
  outgoing.on('upgrade', (response, upstream, upstreamHead) => {
    if (socket.destroyed) return void upstream.destroy();
    answer.detachSocket(incoming.socket);
    socket.write(consent(response, port), 'latin1');
    socket.write(upstreamHead);
    upstream.write(head);
    socket.on('data', onHeard);
    pipeline(socket, upstream, () => {});
    pipeline(upstream, socket, () => {});
  });
  outgoing.on('response', (response) => give(response, incoming, answer, passing));
  failing(outgoing, answer, passing);
  outgoing.end();
}

function begin(incoming: IncomingMessage, passing: Passing, more: Record<string, string>): ClientRequest {
  const { stream } = passing;
  return httpRequest({
    createConnection: () => stream,
    method: incoming.method ?? 'GET',
    path: incoming.url ?? '/',
    headers: { ...requestHeaders(incoming, passing), ...more },
    maxHeaderSize: MAX_HEADERS,
  });
}

/** How the body's end is told, which is of one connection and so is told anew. */
function framing({ headers, method }: IncomingMessage): Record<string, string> {
  if (headers['transfer-encoding'] !== undefined) return { 'transfer-encoding': 'chunked' };
  const hasNone = headers['content-length'] === undefined && method !== 'GET' && method !== 'HEAD';
  return hasNone ? { 'content-length': '0' } : {};
}

function give(
  response: IncomingMessage,
  incoming: IncomingMessage,
  answer: ServerResponse,
  { port, onFailure }: Passing,
): void {
  if (answer.destroyed || answer.headersSent) return void response.destroy();
  try {
    answer.writeHead(response.statusCode ?? 0, responseHeaders(response, port));
  } catch {
    // A status or a header that no server may send.
    response.destroy();
    onFailure();
    return;
  }
  answer.flushHeaders();
  answer.once('finish', () => {
    // The server did not want the rest of the request: nobody waits for the end of it.
    if (!incoming.complete) incoming.destroy();
  });
  pipeline(response, answer, () => {});
}

/** Passes on the end of either side to the other. */
function failing(outgoing: ClientRequest, answer: ServerResponse, { onFailure }: Passing): void {
  outgoing.on('error', () => {});
  outgoing.once('close', () => {
    if (!answer.headersSent && !answer.destroyed && answer.socket !== null) onFailure();
  });
  answer.once('close', () => outgoing.destroy());
}

/** The head of the answer that turns a connection into a WebSocket. */
function consent(response: IncomingMessage, port: number): string {
  const pairs = responseHeaders(response, port);
  const lines = pairs.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${pairs[at + 1]}`] : []));
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...lines,
    '',
    '',
  ].join('\r\n');
}
