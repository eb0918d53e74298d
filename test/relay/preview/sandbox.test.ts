import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pino } from 'pino';
import WebSocket from 'ws';
import { createPreviews, type Previews } from '../../../server/preview/previews.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { createMemoryStore } from '../../fakes/preview-store.ts';
import { ask, enter, type Visitor } from '../../fakes/preview-visitor.ts';
import { type LocalFixture, localFixture, request } from '../sandbox/support/local.ts';
import { serveInside } from '../sandbox/support/servers.ts';

const BIG = 50 << 20;
const sha = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Serves HTTP, an endless stream, a large file, and the handshake and echo of a WebSocket, with nothing but Node. */
const SERVER = `
const { createHash } = require('node:crypto');
const server = require('node:http').createServer((request, response) => {
  if (request.url === '/big') return response.end(Buffer.alloc(${BIG}, 'handoff'));
  if (request.url === '/endless') return response.write('begun');
  response.end('hello from ' + request.headers.host);
});
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  socket.write(Buffer.from([0x81, 5, ...Buffer.from('hello')]));
});
server.listen(8080, '127.0.0.1', () => console.log('listening'));`;

describe('previews of a local sandbox', function () {
  this.timeout(60_000);
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  let previews: Previews;
  let visitor: Visitor & { previewId: string };
  let awake: PromiseWithResolvers<void>;
  beforeEach(async () => {
    awake = Promise.withResolvers();
    fixture = await localFixture();
    const { provider, taskId } = fixture;
    sandbox = await provider.create({ taskId });
    previews = createPreviews({
      store: createMemoryStore(),
      machines: {
        find: async () => ((await provider.state(sandbox.ref)) === 'running' ? sandbox : 'asleep'),
        wake: async () => {
          sandbox = await provider.resume(sandbox.ref);
          awake.resolve();
        },
      },
      onActivity: () => {},
      isOwnSecret: () => false,
      listen: { host: '127.0.0.1', port: 0, isChosen: false },
      previewUrl: undefined,
      now: Date.now,
      logger: pino({ level: 'silent' }),
    });
    await serveInside(sandbox, SERVER);
    const { url, previewId } = await previews.open(taskId, { port: 8080, minutes: 60 });
    visitor = { previewId, ...(await enter(url)) };
  });
  afterEach(async () => {
    await previews.close();
    await fixture.dispose();
  });

  const load = async (path: string): Promise<IncomingMessage> => {
    const { host, cookie, port } = visitor;
    const sent = httpRequest({
      host: '127.0.0.1',
      port,
      path,
      headers: { host, cookie },
      agent: false,
    }).end();
    sent.on('error', () => {});
    const [response] = await once(sent, 'response');
    return response;
  };

  it('show what listens there, and list its port', async () => {
    assert.deepEqual(
      [await previews.ports(fixture.taskId), (await ask(visitor, '/')).text],
      [{ sandbox: 'awake', ports: [8080] }, 'hello from localhost:8080'],
    );
  });

  it('answer a thousand requests, twenty at a time', async () => {
    let good = 0;
    const worker = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) if ((await ask(visitor, '/')).status === 200) good += 1;
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    assert.equal(good, 1_000);
  });

  it('let a command print while a browser loads 50 MB slowly, and lose nothing of either', async () => {
    const response = await load('/big');
    await once(response, 'readable');
    const rss = process.memoryUsage.rss();
    const printed = await sandbox.exec(
      request(['bash', '-c', 'head -c 30000000 /dev/zero'], { maxOutputBytes: 1_000 }),
      { onOutput: () => {} },
    );
    assert.equal(printed.stdout.omittedBytes, 30_000_000 - 1_000);
    assert.ok(process.memoryUsage.rss() - rss < 200 << 20);
    assert.equal(sha(await buffer(response)), sha(Buffer.alloc(BIG, 'handoff')));
  });

  it('are cut off by revocation in the middle of a WebSocket and of a download', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${visitor.port}/`, {
      headers: { host: visitor.host, cookie: visitor.cookie, origin: `http://${visitor.host}` },
    });
    const [greeting] = await once(socket, 'message');
    assert.equal(String(greeting), 'hello');
    const response = await load('/endless');
    await once(response, 'data');
    const ended = Promise.all([once(socket, 'close'), once(response, 'error')]);
    await previews.revoke(fixture.taskId, visitor.previewId);
    await ended;
    assert.equal((await ask(visitor, '/')).status, 410);
  });

  it('end with a sandbox that hibernates, say so, and come back with it', async () => {
    const response = await load('/endless');
    await once(response, 'data');
    const ended = once(response, 'error');
    await fixture.provider.hibernate(sandbox.ref);
    await ended;
    const asleep = await ask(visitor, '/');
    assert.deepEqual([asleep.status, /The sandbox sleeps/.test(asleep.text)], [503, true]);
    assert.deepEqual(await previews.ports(fixture.taskId), { sandbox: 'asleep', ports: [] });
    assert.equal((await ask(visitor, '/.handoff/wake', { method: 'POST' })).status, 303);
    await awake.promise;
    assert.equal((await ask(visitor, '/')).status, 502);
    await serveInside(sandbox, SERVER);
    assert.equal((await ask(visitor, '/')).text, 'hello from localhost:8080');
  });
});
