import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Server } from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';
import { raw } from '../../fakes/preview-visitor.ts';
import { openStage, type Stage, TASK } from './stage.ts';

describe('a WebSocket through a preview', () => {
  let stage: Stage;
  let seen: Array<Record<string, unknown>>;
  let visitor: Awaited<ReturnType<Stage['visit']>>;
  let upstream: WebSocketServer;
  beforeEach(async () => {
    stage = await openStage();
    seen = [];
    const server = new Server((_, response) => response.end('the page'));
    upstream = new WebSocketServer({ server, handleProtocols: () => 'vite-hmr' });
    upstream.on('connection', (socket, request) => {
      const { host, origin, cookie } = request.headers;
      seen.push({ host, origin, cookie, url: request.url });
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    visitor = await stage.visit(await stage.serve(server));
  });
  afterEach(async () => {
    upstream.close();
    await stage.close();
  });

  const open = (headers: Record<string, string> = {}, path = '/'): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${visitor.port}${path}`, ['vite-hmr'], {
      headers: { host: visitor.host, cookie: visitor.cookie, origin: `http://${visitor.host}`, ...headers },
    });
  const refused = async (headers: Record<string, string>): Promise<number> => {
    const socket = open(headers);
    const [, response] = await once(socket, 'unexpected-response');
    socket.on('error', () => {}).terminate();
    return response.statusCode;
  };

  it('carries messages both ways, as if it came to localhost', async () => {
    const socket = open({ cookie: `a=1; ${visitor.cookie}` }, '/hmr?token=x');
    await once(socket, 'open');
    const large = Buffer.alloc(3 << 20, 'handoff');
    socket.send('hello');
    const [text] = await once(socket, 'message');
    socket.send(large);
    const [binary] = await once(socket, 'message');
    const port = seen[0]?.['host'];
    assert.deepEqual(
      { protocol: socket.protocol, text: String(text), same: large.equals(binary), seen },
      {
        protocol: 'vite-hmr',
        text: 'hello',
        same: true,
        seen: [{ host: port, origin: `http://${port}`, cookie: 'a=1', url: '/hmr?token=x' }],
      },
    );
    assert.match(String(port), /^localhost:\d+$/);
    const closed = once(socket, 'close');
    socket.close(4_000, 'bye');
    assert.deepEqual((await closed)[0], 4_000);
  });

  it('is refused without the cookie, and to another page or to none', async () => {
    assert.deepEqual(
      [
        await refused({ cookie: '' }),
        await refused({ cookie: 'handoff-preview=wrong' }),
        await refused({ origin: 'http://evil.example' }),
        await refused({ host: `evil.example:${visitor.port}` }),
      ],
      [404, 404, 403, 404],
    );
    const withoutOrigin = [
      'GET / HTTP/1.1',
      `Host: ${visitor.host}`,
      `Cookie: ${visitor.cookie}`,
      ...[
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ],
    ].join('\r\n');
    assert.match(await raw(visitor.port, `${withoutOrigin}\r\n\r\n`), /^HTTP\/1\.1 403 /);
    assert.match(
      await raw(visitor.port, `${withoutOrigin.replace('websocket', 'h2c')}\r\n\r\n`),
      /^HTTP\/1\.1 400 /,
    );
    assert.deepEqual(seen, []);
  });

  it('is cut off in the middle when the link is revoked', async () => {
    const socket = open();
    await once(socket, 'open');
    const [inside] = upstream.clients;
    assert.ok(inside);
    const ended = Promise.all([once(socket, 'close'), once(inside, 'close')]);
    await stage.previews.revoke(TASK, visitor.previewId);
    await ended;
    assert.equal(await refused({}), 410);
  });

  it('ends when the server ends it', async () => {
    const socket = open();
    await once(socket, 'open');
    const closed = once(socket, 'close');
    for (const inside of upstream.clients) inside.terminate();
    assert.equal((await closed)[0], 1006);
  });

  it('is answered as the server answers that wants none', async () => {
    upstream.close();
    const plain = await stage.visit(await stage.serve((_, response) => response.writeHead(404).end('no')));
    const socket = new WebSocket(`ws://127.0.0.1:${plain.port}/`, {
      headers: { host: plain.host, cookie: plain.cookie, origin: `http://${plain.host}` },
    });
    const [, response] = await once(socket, 'unexpected-response');
    socket.on('error', () => {}).terminate();
    assert.ok([200, 404].includes(response.statusCode));
  });

  it('counts as activity while the person’s side sends', async () => {
    const socket = open();
    await once(socket, 'open');
    const before = stage.activity.length;
    stage.clock.now += 60_000;
    socket.send('still here');
    await once(socket, 'message');
    assert.equal(stage.activity.length - before, 1);
    socket.terminate();
  });
});
