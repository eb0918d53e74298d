import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { ask, raw, send } from '../../fakes/preview-visitor.ts';
import { openStage, type Stage, TASK } from './stage.ts';

describe('a preview under attack', () => {
  let stage: Stage;
  let visitor: Awaited<ReturnType<Stage['visit']>>;
  let served: string[];
  beforeEach(async () => {
    stage = await openStage();
    served = [];
    const port = await stage.serve((request, response) => {
      served.push(`${request.method} ${request.url}`);
      request.resume();
      response.end('the page');
    });
    visitor = await stage.visit(port);
  });
  afterEach(() => stage.close());

  it('is reached by its own host name alone', async () => {
    const id = visitor.previewId;
    const hosts = [
      'localhost',
      '127.0.0.1',
      `${id}.evil.example`,
      `${id}.localhost.evil.example`,
      `evil-${id}.localhost`,
    ];
    const answers = hosts.map(async (host) => {
      const headers = { host: `${host}:${visitor.port}`, cookie: visitor.cookie };
      return (await send(visitor.port, '/', { headers })).status;
    });
    assert.deepEqual([await Promise.all(answers), served], [Array(hosts.length).fill(404), []]);
  });

  it('does not know the cookie of another', async () => {
    const port = await stage.serve((_, response) => response.end('another'));
    const other = await stage.visit(port);
    const crossed = await send(other.port, '/', { headers: { host: other.host, cookie: visitor.cookie } });
    assert.equal(crossed.status, 404);
    assert.equal((await ask(other, '/')).text, 'another');
  });

  it('answers no page but its own', async () => {
    const evil = [
      { origin: 'http://evil.example' },
      { origin: `http://${'0'.repeat(32)}.localhost:${visitor.port}` },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ];
    const got = await Promise.all(evil.map((headers) => ask(visitor, '/', { headers })));
    assert.deepEqual(
      [
        got.map(({ status }) => status),
        got.map(({ headers }) => headers['access-control-allow-origin']),
        served,
      ],
      [Array(evil.length).fill(403), Array(evil.length).fill(undefined), []],
    );
  });

  const { stringify } = JSON;
  const smuggled: Array<[name: string, lines: string[], body?: string]> = [
    ['two hosts', ['GET / HTTP/1.1', 'Host: HOST', 'Host: HOST', 'Cookie: COOKIE']],
    ['two hosts, one foreign', ['GET / HTTP/1.1', 'Host: HOST', 'Host: evil.example', 'Cookie: COOKIE']],
    ['no host', ['GET / HTTP/1.1', 'Cookie: COOKIE']],
    ['a host in its target', ['GET http://evil.example/ HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE']],
    ['its own host in its target', ['GET http://HOST/ HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE']],
    ['no path', ['OPTIONS * HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE']],
    ['a tunnel in mind', ['CONNECT 169.254.169.254:80 HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE']],
    [
      'two lengths',
      ['POST / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', 'Content-Length: 1', 'Content-Length: 2'],
      'ab',
    ],
    [
      'length and chunks',
      ['POST / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
      '0\r\n\r\n',
    ],
    [
      'unknown encoding',
      ['POST / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', 'Transfer-Encoding: x, chunked, x'],
      '0\r\n\r\n',
    ],
    [
      'a space before the colon',
      ['POST / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', 'Content-Length : 1'],
      'a',
    ],
    ['a folded header', ['GET / HTTP/1.1', 'Host: HOST', ' folded', 'Cookie: COOKIE']],
    ['a bare line feed', ['GET / HTTP/1.1\nX: y', 'Host: evil.example', 'Cookie: COOKIE']],
    ['a nul', ['GET / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', 'X: a\0b']],
    ['a negative length', ['POST / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', 'Content-Length: -1']],
    [
      'a chunk that overflows',
      ['POST / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', 'Transfer-Encoding: chunked'],
      'fffffffffffffffff\r\n',
    ],
    ['headers beyond 32 KB', ['GET / HTTP/1.1', 'Host: HOST', 'Cookie: COOKIE', `X: ${'a'.repeat(40_000)}`]],
    ['the beginning of HTTP/2', ['PRI * HTTP/2.0']],
  ];
  for (const [name, lines, body = ''] of smuggled) {
    it(`passes no request on with ${name}`, async () => {
      const filled = lines.map((line) =>
        line.replaceAll('HOST', visitor.host).replaceAll('COOKIE', visitor.cookie),
      );
      const second = `GET /smuggled HTTP/1.1\r\nHost: ${visitor.host}\r\nConnection: close\r\n\r\n`;
      const said = await raw(visitor.port, `${filled.join('\r\n')}\r\n\r\n${body}${second}`);
      assert.doesNotMatch(said, /the page/);
      // What went to the server before the body was found to be malformed had no such path.
      assert.deepEqual(
        served.filter((line) => line !== 'POST /'),
        [],
        stringify(said),
      );
    });
  }

  it('tells each of two pipelined requests apart, and asks for the cookie of both', async () => {
    const first = `POST /first HTTP/1.1\r\nHost: ${visitor.host}\r\nCookie: ${visitor.cookie}\r\nContent-Length: 3\r\n\r\nabc`;
    const second = `GET /second HTTP/1.1\r\nHost: ${visitor.host}\r\nConnection: close\r\n\r\n`;
    const said = await raw(visitor.port, first + second);
    assert.deepEqual(
      [said.match(/HTTP\/1\.1 \d+/g), served],
      [['HTTP/1.1 200', 'HTTP/1.1 404'], ['POST /first']],
    );
  });

  it('keeps no request waiting behind one that never ends', async () => {
    const slow = connect({ port: visitor.port, host: '127.0.0.1' });
    slow.write(`GET / HTTP/1.1\r\nHost: ${visitor.host}\r\nX: `);
    assert.equal((await ask(visitor, '/')).text, 'the page');
    slow.destroy();
  });

  it('takes a hundred connections at once, and tells others so', async () => {
    const gate = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    let open = 0;
    const port = await stage.serve(async (_, response) => {
      open += 1;
      if (open === 100) waiting.resolve();
      await gate.promise;
      response.end('done');
    });
    const crowd = await stage.visit(port);
    const held = Array.from({ length: 100 }, () => ask(crowd, '/'));
    await waiting.promise;
    assert.deepEqual([(await ask(crowd, '/')).status, (await ask(visitor, '/')).text], [503, 'the page']);
    gate.resolve();
    const texts = (await Promise.all(held)).map(({ text }) => text);
    assert.deepEqual(texts, Array(100).fill('done'));
    assert.equal((await ask(crowd, '/')).text, 'done');
  });

  it('ends what is being loaded when it is revoked', async () => {
    const port = await stage.serve((_, response) => void response.write('begun'));
    const loading = await stage.visit(port);
    const socket = connect({ port: loading.port, host: '127.0.0.1' });
    socket.write(`GET / HTTP/1.1\r\nHost: ${loading.host}\r\nCookie: ${loading.cookie}\r\n\r\n`);
    await once(socket, 'data');
    const closed = once(socket, 'close');
    socket.on('error', () => {});
    await stage.previews.revoke(TASK, loading.previewId);
    await closed;
    assert.equal((await ask(loading, '/')).status, 410);
  });

  it('passes odd paths on as they are, and takes none for its own', async () => {
    const paths = [
      '//evil.example/x',
      '/\\evil.example:x/.handoff/wake',
      '/.handoff/../.handoff/open',
      '/?a=/.handoff/open',
    ];
    for (const path of paths) assert.equal((await ask(visitor, path)).text, 'the page');
    assert.deepEqual(
      served,
      paths.map((path) => `GET ${path}`),
    );
  });

  it('leaves no key and no cookie in the log, whatever happens', async () => {
    const { url, cookie } = visitor;
    const key = new URL(url).search.slice(1);
    await send(visitor.port, new URL(url).pathname + new URL(url).search, {
      headers: { host: visitor.host },
    });
    const { find } = stage.store;
    stage.store.find = () => Promise.reject(new Error('the store is broken'));
    const failed = await send(visitor.port, `/.handoff/open?${key}`, {
      headers: { host: visitor.host, cookie },
    });
    stage.store.find = find;
    const [, secret = ''] = cookie.split('=');
    assert.equal(failed.status, 500);
    assert.match(stage.log(), /the store is broken/);
    for (const text of [
      stage.log(),
      failed.text,
      stringify(await stage.previews.list(TASK)),
      stringify([...stage.store.links.values()]),
    ])
      for (const canary of [key, secret]) assert.ok(canary.length > 40 && !text.includes(canary));
  });
});
