import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { ask } from '../../fakes/preview-visitor.ts';
import { openStage, type Stage } from './stage.ts';

const sha = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

describe('a preview passes on', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  });
  afterEach(() => stage.close());

  it('a request as if it came to localhost, without what is Handoff’s', async () => {
    const port = await stage.serve(async (request, response) => {
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, headers, body: await text(request) }));
    });
    const visitor = await stage.visit(port);
    const origin = `http://${visitor.host}`;
    const got = await ask(visitor, '/path?q=%20#', {
      method: 'POST',
      body: 'body',
      headers: {
        origin,
        referer: `${origin}/page?x`,
        cookie: `a=1; ${visitor.cookie}; b=2; __Host-handoff-preview=x`,
        authorization: 'Bearer the-app’s own'.replace('’', ''),
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-host': 'evil.example',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
        te: 'trailers',
        connection: 'close, x-hop',
        'x-hop': '1',
        'x-kept': ['a', 'b'],
      },
    });
    assert.deepEqual(JSON.parse(got.text), {
      method: 'POST',
      url: '/path?q=%20#',
      headers: {
        host: `localhost:${port}`,
        origin: `http://localhost:${port}`,
        referer: `http://localhost:${port}/page?x`,
        cookie: 'a=1; b=2',
        authorization: 'Bearer the-apps own',
        'x-forwarded-for': '127.0.0.1',
        'x-kept': 'a, b',
        'content-length': '4',
        connection: 'close',
      },
      body: 'body',
    });
  });

  it('no Authorization of the relay, nor a cookie header that has only ours', async () => {
    const port = await stage.serve((request, response) => {
      response.end(JSON.stringify([request.headers.authorization ?? null, request.headers.cookie ?? null]));
    });
    const visitor = await stage.visit(port);
    const got = await ask(visitor, '/', { headers: { authorization: 'Bearer relay-token' } });
    assert.equal(got.text, '[null,null]');
  });

  it('an answer with its status, duplicates and body', async () => {
    const port = await stage.serve((_, response) => {
      response.writeHead(418, { 'set-cookie': ['a=1; Domain=localhost', 'b=2'], 'x-app': '1' });
      response.end('teapot');
    });
    const got = await ask(await stage.visit(port), '/');
    assert.deepEqual(
      [got.status, got.headers['set-cookie'], got.headers['x-app'], got.text],
      [418, ['a=1', 'b=2'], '1', 'teapot'],
    );
  });

  it('bodies as their end is told, of every method', async () => {
    const port = await stage.serve(async (request, response) => {
      const { method, headers } = request;
      const body = await text(request);
      response.end(JSON.stringify([method, headers['content-length'], headers['transfer-encoding'], body]));
    });
    const visitor = await stage.visit(port);
    const chunked = { 'transfer-encoding': 'chunked' };
    const got = [
      await ask(visitor, '/', { method: 'GET' }),
      await ask(visitor, '/', { method: 'GET', headers: chunked, body: 'odd' }),
      await ask(visitor, '/', { method: 'DELETE', headers: chunked, body: 'odd' }),
      await ask(visitor, '/', { method: 'PUT', headers: chunked, body: 'whole' }),
      await ask(visitor, '/', { method: 'POST', headers: { 'content-length': '0' } }),
    ];
    assert.deepEqual(
      got.map(({ text: said }) => JSON.parse(said)),
      [
        ['GET', null, null, ''],
        ['GET', null, 'chunked', 'odd'],
        ['DELETE', null, 'chunked', 'odd'],
        ['PUT', null, 'chunked', 'whole'],
        ['POST', '0', null, ''],
      ],
    );
    const head = await ask(visitor, '/', { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  it('a stream as it comes, and tells the server when nobody listens any more', async () => {
    const gone = Promise.withResolvers<void>();
    const port = await stage.serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
      response.once('close', () => gone.resolve());
    });
    const { host, cookie, port: at } = await stage.visit(port);
    const sent = httpRequest({ host: '127.0.0.1', port: at, headers: { host, cookie }, agent: false }).end();
    const [response] = await once(sent, 'response');
    const [chunk] = await once(response, 'data');
    assert.equal(String(chunk), 'data: one\n\n');
    sent.destroy();
    await gone.promise;
  });

  it('large bodies both ways, byte for byte', async () => {
    const down = randomBytes(8 << 20);
    const port = await stage.serve(async (request, response) => {
      response.setHeader('x-sha', sha(await buffer(request)));
      response.end(down);
    });
    const up = randomBytes(8 << 20);
    const { host, cookie, port: at } = await stage.visit(port);
    const headers = { host, cookie, 'content-length': up.length };
    const sent = httpRequest({ host: '127.0.0.1', port: at, method: 'PUT', headers, agent: false }).end(up);
    const [response] = await once(sent, 'response');
    assert.deepEqual([response.headers['x-sha'], sha(await buffer(response))], [sha(up), sha(down)]);
  });

  it('an answer that comes before the request has ended', async () => {
    const port = await stage.serve((_, response) => {
      response.writeHead(413).end('too large');
    });
    const { host, cookie, port: at } = await stage.visit(port);
    const headers = { host, cookie, 'content-length': 1 << 30 };
    const sent = httpRequest({ host: '127.0.0.1', port: at, method: 'PUT', headers, agent: false });
    sent.on('error', () => {});
    sent.write('begin');
    const [response] = await once(sent, 'response');
    assert.deepEqual([response.statusCode, await text(response)], [413, 'too large']);
  });

  it('a download that breaks off as broken, never as complete', async () => {
    const port = await stage.serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => response.destroy());
    });
    await assert.rejects(ask(await stage.visit(port), '/'));
  });

  const nonsense: Array<[name: string, said: string]> = [
    ['no word', ''],
    ['something else than HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a status of zero', 'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a status that nobody knows', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a status beyond all', 'HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'x-long: 0123456789\r\n'.repeat(20_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ],
    ['a forged line in a header', 'HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: handoff-preview=x\r\n\r\n'],
  ];
  for (const [name, said] of nonsense) {
    it(`${name} as a page that says so`, async () => {
      const port = await stage.serveRaw((socket) => {
        socket.on('error', () => {}).once('data', () => socket.end(said, 'latin1'));
      });
      const got = await ask(await stage.visit(port), '/');
      assert.deepEqual([got.status, /does not speak HTTP/.test(got.text)], [502, true]);
    });
  }
});
