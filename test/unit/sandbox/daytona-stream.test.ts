import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { WebSocket, WebSocketServer } from 'ws';
import { streamOver } from '../../../server/sandbox/supervisor/websocket-stream.ts';

/** Milliseconds between two signs of life. */
const PACE = 20;

describe('the stream over a WebSocket', () => {
  const closers: Array<() => void> = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** A stream to a server of which only the upgrade is given. */
  const connected = async (upgrade: (socket: Socket, key: string, head: Buffer) => void): Promise<Duplex> => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.on('upgrade', ({ headers }, socket, head) => {
      closers.push(() => socket.destroy());
      socket.on('error', () => {});
      upgrade(socket as Socket, String(headers['sec-websocket-key']), head);
    });
    closers.push(() => server.close());
    const address = server.address();
    assert.ok(typeof address === 'object' && address);
    const websocket = new WebSocket(`ws://127.0.0.1:${address.port}`, { perMessageDeflate: false });
    closers.push(() => websocket.terminate());
    let socket: Socket | undefined;
    websocket.on('upgrade', (response) => {
      socket = response.socket;
    });
    return new Promise((resolve, reject) => {
      websocket.on('error', reject);
      // At once, or what comes with the answer is heard by nobody.
      websocket.on('open', () => socket && resolve(streamOver(websocket, socket, PACE)));
    });
  };
  const shake = (socket: Socket, key: string): void => {
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
  };

  it('ends when its other end vanishes without a word', async () => {
    const stream = await connected((socket, key) => {
      shake(socket, key);
      socket.pause();
    });
    stream.resume();
    await once(stream, 'close');
    assert.ok(stream.destroyed);
  });

  it('ends when its connection breaks, with what had arrived handed on', async () => {
    const stream = await connected((socket, key) => {
      shake(socket, key);
      socket.write(Buffer.concat([Buffer.from([0x82, 5]), Buffer.from('hello')]), () => socket.destroy());
    });
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    await once(stream, 'close');
    assert.deepEqual([Buffer.concat(pieces).toString(), stream.destroyed], ['hello', true]);
  });

  it('stays as long as its other end gives signs of life, however idle', async () => {
    let pings = 0;
    const enough = Promise.withResolvers<void>();
    const stream = await connected((socket, key) => {
      shake(socket, key);
      socket.on('data', () => {
        pings += 1;
        if (pings > 8) enough.resolve();
        // Pongs carry what pings did, which is nothing.
        socket.write(Buffer.from([0x8a, 0]));
      });
    });
    await enough.promise;
    assert.equal(stream.destroyed, false);
  });

  it('carries bytes as they are, in both directions', async () => {
    const websockets = new WebSocketServer({ noServer: true });
    const stream = await connected((socket, key, head) => {
      const request = {
        method: 'GET',
        headers: { upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13' },
      };
      websockets.handleUpgrade(request as never, socket, head, (websocket) => {
        const echo = streamOver(websocket, socket);
        echo.pipe(echo);
      });
    });
    const sent = Buffer.alloc(3 << 20, 'abc\u0000\n');
    const heard = Promise.withResolvers<Buffer>();
    const pieces: Buffer[] = [];
    let size = 0;
    stream.on('data', (piece: Buffer) => {
      pieces.push(piece);
      size += piece.length;
      if (size >= sent.length) heard.resolve(Buffer.concat(pieces));
    });
    stream.write(sent);
    assert.ok((await heard.promise).equals(sent));
    stream.destroy();
    assert.equal((await buffer(stream).catch(() => Buffer.alloc(0))).length, 0);
  });
});
