import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { writePolicy } from '../../../server/sandbox/local/egress/policy.ts';
import { runEgress } from '../../../server/sandbox/local/egress/run.ts';
import type { NetworkPolicy } from '../../../server/sandbox/sandbox.ts';
import { internet } from '../../fakes/internet.ts';

const world = internet({}, {});

describe('the process by which sandboxes leave their host', () => {
  let root: string;
  let home: string;
  let server: Server;
  let database: PolicyForwards;
  type PolicyForwards = NonNullable<Extract<NetworkPolicy, { mode: 'none' }>['forwards']>;
  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      void text(socket).then((said) => socket.end(`database heard ${said}`));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    database = [{ port: 5432, to: { host: '127.0.0.1', port } }];
  });
  after(() => server.close());
  beforeEach(async () => {
    // Longer than the path of a socket may be.
    root = await fs.mkdtemp(join(tmpdir(), `handoff-egress-${'x'.repeat(100)}-`));
    home = join(root, '.egress');
    await fs.mkdir(home);
  });
  afterEach(() => fs.rm(root, { recursive: true, force: true }));

  const sandbox = async (id: string, policy: NetworkPolicy): Promise<void> => {
    await fs.mkdir(join(root, id, 'net'), { recursive: true });
    writePolicy({ root: join(root, id) }, policy);
  };
  /** Connects where the path is too long for a socket. */
  const dial = async (folder: string, name: string): Promise<Socket> => {
    const handle = await fs.open(folder, 'r');
    const socket = connect({ path: `/proc/self/fd/${handle.fd}/${name}`, allowHalfOpen: true });
    await once(socket, 'connect').finally(() => handle.close());
    return socket;
  };
  const ask = async (line: string): Promise<unknown> => {
    const socket = await dial(home, 'control');
    socket.write(`${line}\n`);
    return JSON.parse(await text(socket).finally(() => socket.destroy()));
  };
  const asks = (request: object): Promise<unknown> => ask(JSON.stringify(request));
  const run = async (idleMs: number): Promise<{ ended: Promise<void> }> => {
    const ended = runEgress({ sandboxes: root, home, idleMs }, world);
    while (!(await fs.readdir(home)).includes('control'))
      await new Promise((resolve) => setImmediate(resolve));
    return { ended };
  };
  const socketsOf = async (id: string): Promise<string[]> => (await fs.readdir(join(root, id, 'net'))).sort();
  /** Long enough for a busy machine to ask in time, short enough to wait for. */
  const hasNothingToDo = 1_000;

  it('opens what a sandbox may reach, and nothing else', async () => {
    await sandbox('a', { mode: 'none', forwards: database });
    await sandbox('b', { mode: 'allow-list', domains: ['a.io'] });
    const { ended } = await run(hasNothingToDo);
    assert.deepEqual(
      [await asks({ op: 'serve', id: 'a' }), await asks({ op: 'serve', id: 'b' })],
      [
        { ok: true, refusals: [], inUse: false },
        { ok: true, refusals: [], inUse: false },
      ],
    );
    assert.deepEqual(await Promise.all(['a', 'b'].map(socketsOf)), [
      ['5432', 'present'],
      ['3128', 'present'],
    ]);
    await ended;
  });

  it('connects a forwarded port with the server that the owner named, each end by itself', async () => {
    await sandbox('a', { mode: 'none', forwards: database });
    const { ended } = await run(hasNothingToDo);
    await asks({ op: 'serve', id: 'a' });
    const socket = await dial(join(root, 'a', 'net'), '5432');
    socket.end('select 1');
    assert.equal(await text(socket), 'database heard select 1');
    await ended;
  });

  it('closes a sandbox that nobody is present in, and ends after the last', async () => {
    await sandbox('a', { mode: 'open' });
    const { ended } = await run(hasNothingToDo);
    await asks({ op: 'serve', id: 'a' });
    const presence = await dial(join(root, 'a', 'net'), 'present');
    let over = false;
    void ended.then(() => {
      over = true;
    });
    // Far longer than it waits for a sandbox.
    await once(AbortSignal.timeout(3 * hasNothingToDo), 'abort');
    assert.deepEqual([await socketsOf('a'), over], [['3128', 'present'], false]);
    presence.destroy();
    await ended;
    assert.deepEqual([await socketsOf('a'), (await fs.readdir(home)).includes('control')], [[], false]);
  });

  it('keeps a sandbox open that was asked for again, for the time that its start may take', async () => {
    await sandbox('a', { mode: 'open' });
    const { ended } = await run(hasNothingToDo);
    const began = performance.now();
    let last = began;
    while (last - began < 2.5 * hasNothingToDo) {
      await asks({ op: 'serve', id: 'a' });
      last = performance.now();
      assert.deepEqual(await socketsOf('a'), ['3128', 'present']);
    }
    await ended;
    assert.equal(performance.now() - last >= hasNothingToDo, true);
  });

  it('takes a changed policy for a reason to begin anew, and an unchanged one for none', async () => {
    await sandbox('a', { mode: 'open' });
    const { ended } = await run(hasNothingToDo);
    await asks({ op: 'serve', id: 'a' });
    const presence = await dial(join(root, 'a', 'net'), 'present');
    const cut = once(presence.resume(), 'end');
    await asks({ op: 'serve', id: 'a' });
    assert.equal(presence.readableEnded, false);
    await sandbox('a', { mode: 'none', forwards: database });
    await asks({ op: 'serve', id: 'a' });
    await cut;
    presence.destroy();
    assert.deepEqual(await socketsOf('a'), ['5432', 'present']);
    await ended;
  });

  it('serves again after it was killed what it served then', async () => {
    await sandbox('a', { mode: 'open' });
    await sandbox('b', { mode: 'open' });
    await fs.writeFile(join(home, 'served.json'), '["a", "gone", "../b"]');
    await fs.writeFile(join(home, 'control'), 'left behind');
    await fs.writeFile(join(root, 'a', 'net', '3128'), 'left behind');
    const ended = runEgress({ sandboxes: root, home, idleMs: hasNothingToDo }, world);
    while (!(await fs.stat(join(home, 'control'))).isSocket())
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await Promise.all(['a', 'b'].map(socketsOf)), [['3128', 'present'], []]);
    await ended;
  });

  it('tells what a sandbox was refused', async () => {
    await sandbox('a', { mode: 'allow-list', domains: ['a.io'] });
    const { ended } = await run(hasNothingToDo);
    await asks({ op: 'serve', id: 'a' });
    const socket = await dial(join(root, 'a', 'net'), '3128');
    socket.write('CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n');
    await text(socket);
    socket.destroy();
    assert.deepEqual(await asks({ op: 'refusals', id: 'a' }), {
      ok: true,
      refusals: [{ host: 'evil.test', port: 443, why: 'name', count: 1 }],
      inUse: false,
    });
    await ended;
  });

  it('tells whether a sandbox is connected to it, and not to another process that took its place', async () => {
    await sandbox('a', { mode: 'open' });
    const { ended } = await run(hasNothingToDo);
    await asks({ op: 'serve', id: 'a' });
    const presence = await dial(join(root, 'a', 'net'), 'present');
    const told = [await asks({ op: 'serve', id: 'a' })];
    await fs.rename(join(root, 'a', 'net', 'present'), join(root, 'a', 'net', 'moved'));
    told.push(await asks({ op: 'refusals', id: 'a' }));
    presence.destroy();
    assert.deepEqual(told, [
      { ok: true, refusals: [], inUse: true },
      { ok: true, refusals: [], inUse: false },
    ]);
    await ended;
  });

  it('goes on where nothing can be written down', async () => {
    await sandbox('a', { mode: 'open' });
    for (const name of ['pid', 'served.json.part']) await fs.mkdir(join(home, name));
    const { ended } = await run(hasNothingToDo);
    assert.deepEqual(await asks({ op: 'serve', id: 'a' }), { ok: true, refusals: [], inUse: false });
    assert.deepEqual(await socketsOf('a'), ['3128', 'present']);
    await ended;
    assert.deepEqual(await socketsOf('a'), []);
  });

  it('answers nonsense with a reason, and goes on', async () => {
    const { ended } = await run(hasNothingToDo);
    const answers = await Promise.all(
      ['nonsense', '{"op":"leave"}', '{"op":"serve","id":"../.."}', '{"op":"serve","id":"unknown"}'].map(ask),
    );
    assert.deepEqual(
      answers.map((answer) => (answer as { ok: boolean }).ok),
      [false, false, false, false],
    );
    await ended;
  });
});
