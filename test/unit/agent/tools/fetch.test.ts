import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { fetchTool } from '../../../../server/agent/tools/fetch.ts';
import { read } from '../../../../server/agent/tools/read.ts';
import { fetchPage } from '../../../../server/fetch/fetch-page.ts';
import type { NetworkPolicy } from '../../../../server/sandbox/sandbox.ts';
import { type Internet, internet } from '../../../fakes/internet.ts';
import { createToolBench, type ToolBench } from '../../../fakes/tool-bench.ts';
import { assertGolden, assertNoStray } from './golden.ts';

const PUBLIC = '93.184.215.14';
const ALLOWED: NetworkPolicy = { mode: 'allow-list', domains: ['docs.test', '*.cdn.test', 'inside.test'] };

const PAGE = `<!doctype html><html><head><title>How &amp; why</title><style>p { color: red }</style>
<script>alert('never')</script></head><body><h1>Using it</h1>
<p>Call <code>start()</code> &mdash; then <a href="/more">more</a>.</p>
<img src="data:image/png;base64,AAAA"><svg><text>drawn</text></svg>
<pre><code>npm start
</code></pre><ul><li>one</li><li>two</li></ul></body></html>`;

/** What the server at the one public address says, by path. */
const SITE: Record<string, RequestListener> = {
  '/page': (_, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(PAGE),
  '/packed': (_, response) =>
    response
      .setHeader('content-type', 'application/json')
      .setHeader('content-encoding', 'gzip')
      .end(gzipSync('{"packed": true}')),
  '/latin': (_, response) =>
    response
      .setHeader('content-type', 'text/plain; charset=iso-8859-1')
      .end(Buffer.from('caf\xe9', 'latin1')),
  '/long': (_, response) =>
    response
      .setHeader('content-type', 'text/plain')
      .end(Array.from({ length: 9000 }, (__, index) => `line ${index + 1}\n`).join('')),
  '/endless': (_, response) => {
    response.setHeader('content-type', 'text/plain');
    const more = () => {
      if (!response.destroyed && response.write(Buffer.alloc(65_536, 'long line\n'))) setImmediate(more);
    };
    response.on('drain', more);
    more();
  },
  '/image': (_, response) => response.setHeader('content-type', 'image/png').end('x'),
  '/data': (_, response) => response.end(Buffer.from([0, 1, 2])),
  '/empty': (_, response) => response.setHeader('content-type', 'text/plain').end(),
  '/gone': (_, response) =>
    response.writeHead(404, { 'content-type': 'text/html' }).end('<p>No such page.</p>'),
  '/moved': (_, response) => response.writeHead(301, { location: 'http://x.cdn.test/page' }).end(),
  '/to-metadata': (_, response) =>
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
  '/to-inside': (_, response) => response.writeHead(302, { location: 'http://inside.test/' }).end(),
  '/to-file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/round': (_, response) => response.writeHead(302, { location: '/round' }).end(),
  '/broken': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
    response.write('begun', () => response.destroy());
  },
};

describe('fetching from the net', () => {
  let server: Server;
  let world: Internet;
  let policy: NetworkPolicy;
  let asked: string[];
  let bench: ToolBench;
  beforeEach(async () => {
    policy = ALLOWED;
    asked = [];
    server = createServer((request, response) => {
      asked.push(`${request.headers.host}${request.url}`);
      const say = SITE[request.url ?? ''];
      if (say) say(request, response);
      else response.writeHead(500).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    world = internet(
      {
        'docs.test': [[PUBLIC]],
        'x.cdn.test': [[PUBLIC]],
        'inside.test': [[PUBLIC, '10.0.0.7']],
        'rebound.cdn.test': [[PUBLIC], ['127.0.0.1']],
      },
      { [`${PUBLIC}:80`]: port, '127.0.0.1:80': port, '10.0.0.7:80': port, '169.254.169.254:80': port },
    );
    bench = await createToolBench([fetchTool, read], {
      fetchPage: (_taskId, url, signal) => fetchPage(url, { policy, world }, signal),
    });
  });
  afterEach(async () => {
    await bench.close();
    server.closeAllConnections();
    server.close();
  });

  /** By name: the URL, and whether the text is of a failure. */
  const CASES: Record<string, [url: string, fails: boolean]> = {
    page: ['http://docs.test/page', false],
    packed: ['http://docs.test/packed', false],
    'other-encoding': ['http://docs.test/latin', false],
    long: ['http://docs.test/long', false],
    endless: ['http://docs.test/endless', false],
    empty: ['http://docs.test/empty', false],
    moved: ['http://docs.test/moved', false],
    image: ['http://docs.test/image', true],
    data: ['http://docs.test/data', true],
    gone: ['http://docs.test/gone', true],
    broken: ['http://docs.test/broken', true],
    'not-allowed': ['http://elsewhere.test/', true],
    'not-served-port': ['http://docs.test:8080/', true],
    'has-a-private-address': ['http://inside.test/', true],
    'redirects-to-metadata': ['http://docs.test/to-metadata', true],
    'redirects-to-private': ['http://docs.test/to-inside', true],
    'redirects-to-file': ['http://docs.test/to-file', true],
    'redirects-for-ever': ['http://docs.test/round', true],
    'no-web-address': ['file:///etc/passwd', true],
    'credential-in-it': ['https://me:secret@docs.test/', true],
    'nobody-there': ['https://docs.test/', true],
    'no-such-name': ['http://y.cdn.test/', true],
  };
  for (const [name, [url, fails]] of Object.entries(CASES)) {
    it(name, async () => {
      const { output, isError } = await bench.call('fetch', { url });
      assertGolden(bench, 'fetch', name, output);
      assert.equal(isError, fails);
    });
  }
  it('every text that is kept is compared', () => assertNoStray('fetch', Object.keys(CASES)));

  it('reaches nothing where the task has no network', async () => {
    policy = { mode: 'none' };
    const { output, isError } = await bench.call('fetch', { url: 'http://docs.test/page' });
    assert.deepEqual(
      { isError, output, lookups: world.lookups, connections: world.connections },
      {
        isError: true,
        output:
          "This task may not reach docs.test. The person allows hosts by the relay's setting HANDOFF_NETWORK (and .handoff/config.json may narrow it). Go on without it, or say that it is needed.",
        lookups: [],
        connections: [],
      },
    );
  });

  it('reaches no address of this machine where all hosts are allowed, however it is written', async () => {
    policy = { mode: 'open' };
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '0',
    ]) {
      assert.equal((await bench.call('fetch', { url: `http://${host}/page` })).isError, true, host);
    }
    assert.deepEqual({ connections: world.connections, asked }, { connections: [], asked: [] });
  });

  it('connects to the address that was looked at, and not to what the name means a moment later', async () => {
    await bench.call('fetch', { url: 'http://rebound.cdn.test/page' });
    assert.deepEqual(world.connections, [`${PUBLIC}:80`]);
    assert.equal((await bench.call('fetch', { url: 'http://rebound.cdn.test/page' })).isError, true);
    assert.deepEqual(world.connections, [`${PUBLIC}:80`]);
  });

  it('keeps what did not fit, to be read by its handle', async () => {
    await bench.call('fetch', { url: 'http://docs.test/long' });
    const { output } = await bench.call('read', { path: 'output://t:1/page', offset: 8999 });
    assert.equal(output, '8999: line 8999\n9000: line 9000');
  });

  it('asks once, however often the call is run', async () => {
    const first = await bench.call('fetch', { url: 'http://docs.test/page' });
    assert.deepEqual((await bench.again('t:1')).output, first.output);
    assert.deepEqual(asked, ['docs.test/page']);
  });

  it('ends with the turn that is stopped', async () => {
    SITE['/silent'] = () => bench.stop();
    const { output, isError } = await bench.call('fetch', { url: 'http://docs.test/silent' });
    assert.deepEqual({ output, isError }, { output: '[stopped by the user]', isError: true });
  });
});
