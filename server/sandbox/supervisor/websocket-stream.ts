import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import { MAX_BODY } from '../supervised/wire.ts';

/** What both ends of a supervisor's WebSocket agree on; compression would only cost time, and memory on both sides. */
export const WEBSOCKET_OPTIONS = { perMessageDeflate: false, maxPayload: MAX_BODY + (1 << 20) } as const;

/** The header that carries the key of the supervisor. */
export const KEY_HEADER = 'x-handoff-key';

/** How often (ms) the other end is asked for a sign of life, which also keeps idle proxies open. */
const PULSE = 15_000;
/** So many pulses without any byte in either direction, and the connection is dead. */
const SILENT_PULSES = 3;

/**
 * The bytes of an open WebSocket, as a stream which ends with it. One whose other end vanished without a word is ended, too.
 * @param socket what carries it
 * @param pace ms between signs of life
 */
export function streamOver(websocket: WebSocket, socket: Socket, pace = PULSE): Duplex {
  const stream = createWebSocketStream(websocket);
  // Whoever takes the stream hears of errors there; here they must only not be unheard.
  websocket.on('error', () => {});
  stream.on('error', () => {});

  let last = '';
  let silent = 0;
  const pulse = setInterval(() => {
    // A long message holds pings back on its way: bytes that go out are a sign of life as well.
    const now = `${socket.bytesRead}/${websocket.bufferedAmount}`;
    silent = now === last ? silent + 1 : 0;
    last = now;
    if (silent >= SILENT_PULSES) websocket.terminate();
    else websocket.ping(() => {});
  }, pace);
  pulse.unref();
  websocket.on('close', () => {
    clearInterval(pulse);
    // What has arrived is handed on first. The library's stream stays half open when the socket broke instead of closing.
    setImmediate(() => stream.destroy());
  });
  return stream;
}
