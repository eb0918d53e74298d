import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { type Gate, MAX_CONNECTIONS, openGate } from '../../../server/sandbox/local/egress/gate.ts';
import type { NetworkPolicy } from '../../../server/sandbox/sandbox.ts';
import { type Internet, internet } from '../../fakes/internet.ts';

/** Any public address; nothing is ever sent there. */
const PUBLIC = '93.184.216.34';
const POLICY: NetworkPolicy = {
  mode: 'allow-list',
  domains: [
    'web.test',
    '*.wild.test',
    'inner.test',
    'mixed.test',
    'rebinding.test',
    'nowhere.test',
    'closed.test',
    'metadata.test',
  ],
};

describe('the proxy of a sandbox', () => {
  let folder: string;
  const closers: Array<() => void> = [];
  let asked: Array<{ method: string; url: string; headers: IncomingHttpHeaders; body: string }>;
  let world: Internet;
  let gate: Gate;
  let web: number;
  let echo: number;

  const listen = async (server: Server): Promise<number> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  before(async () => {
    folder = await fs.mkdtemp(join(tmpdir(), 'handoff-gate-'));
    web = await listen(
      createServer((request, response) => {
        void text(request).then((body) => {
          asked.push({
            method: request.method ?? '',
            url: request.url ?? '',
            headers: request.headers,
            body,
          });
          response.writeHead(200, 'Fine', { 'X-Answer': 'yes', Connection: 'close, X-Hop', 'X-Hop': 'no' });
          response.end(`page ${request.url}`);
        });
      }),
    );
    // Answers only what it heard to the end: half-closed both ways.
    echo = await listen(
      createTcpServer({ allowHalfOpen: true }, (socket) => {
        void buffer(socket).then((bytes) => socket.end(`heard ${bytes.length}`));
      }),
    );
  });
  after(async () => {
    for (const close of closers) close();
    await fs.rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    asked = [];
    world = internet(
      {
        'web.test': [[PUBLIC]],
        'a.wild.test': [[PUBLIC]],
        'inner.test': [['10.0.0.7']],
        'mixed.test': [[PUBLIC, '127.0.0.1']],
        'rebinding.test': [[PUBLIC], ['127.0.0.1']],
        'closed.test': [['93.184.216.99']],
        'metadata.test': [['169.254.169.254']],
      },
      { [`${PUBLIC}:80`]: web, [`${PUBLIC}:443`]: echo },
    );
    gate = await openGate(folder, POLICY, world);
  });
  afterEach(() => gate.close());

  const dial = async (): Promise<Socket> => {
    const socket = connect({ path: `${folder}/3128`, allowHalfOpen: true });
    await once(socket, 'connect');
    return socket.on('error', () => {});
  };
  /** Sends bytes, and answers all that comes back until the end. */
  const say = async (words: string): Promise<string> => {
    const socket = await dial();
    socket.write(words);
    return text(socket);
  };
  const get = (url: string, headers = ''): Promise<string> =>
    say(`GET ${url} HTTP/1.1\r\nHost: whatever.test\r\n${headers}Connection: close\r\n\r\n`);
  const statusOf = (answer: string): string => answer.split(' ')[1] ?? answer;
  const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4);
  /** A tunnel, once it stands. */
  const tunnel = async (authority: string): Promise<Socket> => {
    const socket = await dial();
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const [first] = await once(socket, 'data');
    assert.equal(String(first), 'HTTP/1.1 200 Connection Established\r\n\r\n');
    return socket;
  };
  const connectStatus = async (authority: string): Promise<string> =>
    statusOf(await say(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`));

  it('carries bytes both ways through a tunnel, and each end by itself', async () => {
    const socket = await tunnel('web.test:443');
    socket.end(Buffer.alloc(5_000_000));
    assert.equal(await text(socket), 'heard 5000000');
  });

  it('passes on what came with the request for a tunnel', async () => {
    const socket = await dial();
    socket.end('CONNECT web.test:443 HTTP/1.1\r\nHost: web.test:443\r\n\r\nearly');
    assert.equal(await text(socket), 'HTTP/1.1 200 Connection Established\r\n\r\nheard 5');
  });

  it('passes on a plain request under the name that was checked, without what is of the connection', async () => {
    const answer = await get(
      'http://Web.Test./path?q=1',
      'Proxy-Authorization: Basic c2VjcmV0\r\nConnection: X-Mine\r\nX-Mine: 1\r\nCookie: kept\r\n',
    );
    assert.deepEqual(
      { asked, answer: answer.replace(/Date: .*\r\n/, '').replaceAll('\r\n', '|') },
      {
        asked: [
          {
            method: 'GET',
            url: '/path?q=1',
            headers: { host: 'web.test', cookie: 'kept', connection: 'close' },
            body: '',
          },
        ],
        answer:
          'HTTP/1.1 200 Fine|X-Answer: yes|Connection: close|Transfer-Encoding: chunked||e|page /path?q=1|0||',
      },
    );
  });

  it('passes on a body, by its length or in pieces', async () => {
    const post = (framing: string): Promise<string> =>
      say(`POST http://web.test/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${framing}`);
    await post('Content-Length: 5\r\n\r\nhello');
    await post('Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    assert.deepEqual(
      asked.map(({ body, headers }) => [body, headers['content-length'], headers['transfer-encoding']]),
      [
        ['hello', '5', undefined],
        ['hello', undefined, 'chunked'],
      ],
    );
  });

  it('serves several requests on one connection, each judged by itself', async () => {
    const request = (url: string, more = ''): string => `GET ${url} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
    const answers = await say(
      request('http://web.test/1') +
        request('http://evil.test/') +
        request('http://web.test/2', 'Connection: close\r\n'),
    );
    assert.deepEqual(
      [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ['200', '403', '200'],
    );
    assert.deepEqual(
      asked.map(({ url }) => url),
      ['/1', '/2'],
    );
  });

  it('refuses a name that is not allowed, says how to allow it, and does not even look it up', async () => {
    const advice =
      'Whoever runs the relay allows it by HANDOFF_NETWORK; a repository that lists domains in .handoff/config.json lists it there, too.';
    const answers = [
      await get('http://evil.test/'),
      await say('CONNECT evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n'),
    ];
    assert.deepEqual(
      { answers: answers.map((answer) => [statusOf(answer), bodyOf(answer)]), lookups: world.lookups },
      {
        answers: [
          ['403', `This sandbox may not reach evil.test (port 80). ${advice}\n`],
          ['403', `This sandbox may not reach evil.test (port 443). ${advice}\n`],
        ],
        lookups: [],
      },
    );
  });

  it('connects to no address that is not public, of a name that is allowed', async () => {
    const names = ['inner.test', 'mixed.test', 'metadata.test'];
    const statuses = await Promise.all(names.map((name) => connectStatus(`${name}:443`)));
    assert.deepEqual([statuses, world.connections], [['403', '403', '403'], []]);
  });

  it('connects to what it looked at: a name that changes its address meanwhile is looked up once', async () => {
    (await tunnel('rebinding.test:443')).destroy();
    assert.deepEqual([world.lookups, world.connections], [['rebinding.test'], [`${PUBLIC}:443`]]);
    assert.equal(await connectStatus('rebinding.test:443'), '403');
  });

  it('takes this machine for no place to connect to, however it is spelled', async () => {
    const spellings = [
      ...[
        '127.0.0.1',
        '127.1',
        '0x7f.1',
        '0x7f000001',
        '2130706433',
        '017700000001',
        '0',
        'localhost',
        'localhost.',
      ],
      ...[
        '[::1]',
        '[::]',
        '[::ffff:127.0.0.1]',
        '[64:ff9b::7f00:1]',
        '169.254.169.254',
        '[fd00:ec2::254]',
        PUBLIC,
      ],
    ];
    const statuses = await Promise.all(spellings.map((host) => connectStatus(`${host}:443`)));
    assert.deepEqual([statuses, world.lookups, world.connections], [spellings.map(() => '403'), [], []]);
  });

  it('serves no other port of an allowed name', async () => {
    const statuses = await Promise.all(
      [22, 25, 3128, 5432, 8443].map((port) => connectStatus(`web.test:${port}`)),
    );
    assert.deepEqual(
      [statuses, statusOf(await get('http://web.test:8080/'))],
      [statuses.map(() => '403'), '403'],
    );
  });

  it('serves the names below a wildcard, and not the wildcard’s own', async () => {
    (await tunnel('a.wild.test:443')).destroy();
    assert.deepEqual(
      await Promise.all(['wild.test:443', 'xwild.test:443', '*.wild.test:443'].map(connectStatus)),
      ['403', '403', '400'],
    );
  });

  it('takes no request that could be read in two ways', async () => {
    const both =
      'POST http://web.test/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    const twice =
      'POST http://web.test/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhello';
    const folded = 'GET http://web.test/ HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n';
    const bare = 'GET http://web.test/ HTTP/1.1\r\nHost: x\r\nX-A: a\nX-B: b\r\n\r\n';
    const user = 'GET http://web.test@evil.test/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const origin = 'GET / HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n';
    const secure = 'GET https://web.test/ HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n';
    const statuses = await Promise.all(
      [both, twice, bare, user, origin, secure].map(async (words) => statusOf(await say(words))),
    );
    assert.deepEqual([statuses, asked, world.connections], [statuses.map(() => '400'), [], []]);
    assert.equal(
      /^(400|200)$/.test(statusOf(await say(folded.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')))),
      true,
    );
  });

  it('takes no endless headers', async () => {
    assert.equal(statusOf(await get('http://web.test/', `X: ${'x'.repeat(20_000)}\r\n`)), '400');
    assert.deepEqual(asked, []);
  });

  it('tells nothing of what is behind a failure', async () => {
    const answers = [await get('http://nowhere.test/'), await get('http://closed.test/')];
    assert.deepEqual(
      answers.map((answer) => [statusOf(answer), bodyOf(answer)]),
      [
        ['502', 'nowhere.test has no address, or none that could be found now.\n'],
        ['502', 'closed.test:80 takes no connection.\n'],
      ],
    );
  });

  it('says so where a server does not speak HTTP', async () => {
    const babble = await listen(
      createTcpServer((socket) => socket.on('error', () => {}).end('SSH-2.0-none\r\n')),
    );
    gate.close();
    gate = await openGate(folder, POLICY, internet({ 'web.test': [[PUBLIC]] }, { [`${PUBLIC}:80`]: babble }));
    const answer = await get('http://web.test/');
    assert.deepEqual(
      [statusOf(answer), bodyOf(answer)],
      ['502', 'web.test:80 did not answer as HTTP does.\n'],
    );
  });

  it('remembers what it refused', async () => {
    await connectStatus('evil.test:443');
    await connectStatus('evil.test:443');
    await connectStatus('web.test:22');
    await connectStatus('inner.test:443');
    await connectStatus('nowhere.test:443');
    assert.deepEqual(gate.refusals(), [
      { host: 'evil.test', port: 443, why: 'name', count: 2 },
      { host: 'web.test', port: 22, why: 'port', count: 1 },
      { host: 'inner.test', port: 443, why: 'address', count: 1 },
    ]);
  });

  it('has room for so many connections, and again for more when some ended', async () => {
    const sockets = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => dial()));
    assert.equal(await get('http://web.test/').catch(() => ''), '');
    assert.deepEqual(gate.refusals(), [{ host: '', port: 0, why: 'connections', count: 1 }]);
    for (const socket of sockets) socket.destroy();
    while (gate.idleSince() === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(statusOf(await get('http://web.test/')), '200');
  });

  it('ends the connection to the server when the sandbox is gone', async () => {
    const ended = Promise.withResolvers<void>();
    const server = createTcpServer((socket) =>
      socket.on('error', () => {}).on('close', () => ended.resolve()),
    );
    const port = await listen(server);
    gate.close();
    gate = await openGate(folder, POLICY, internet({ 'web.test': [[PUBLIC]] }, { [`${PUBLIC}:443`]: port }));
    (await tunnel('web.test:443')).destroy();
    await ended.promise;
  });
});
