import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import type {
  ExecRequest,
  Sandbox,
  SandboxProvider,
  SandboxResources,
} from '../../../server/sandbox/sandbox.ts';
import { type LocalFixture, localFixture, request as requestOf, shell } from './support/local.ts';

/** The watch has time for it, however busy the machine is. */
const request = (argv: string[]): ExecRequest => requestOf(argv, { timeoutMs: 50_000 });

/** MiB that a quiet sandbox stays far below. */
const MEMORY = 300;
const DISK = 64;

describe('the watched limits of local sandboxes', function () {
  this.timeout(60_000);
  let fixture: LocalFixture;
  let provider: SandboxProvider;
  let told: Array<{ id: string; message: string }>;
  /** The next word about a limit. */
  let word: EventTarget;
  beforeEach(async () => {
    // Not the temporary folder, which may be memory.
    fixture = await localFixture('/var/tmp');
    told = [];
    word = new EventTarget();
    provider = createLocalProvider({
      ...fixture,
      watchPace: { memory: 20, disk: 20 },
      // As on a machine whose kernel holds no limits for us.
      cgroups: { mount: '/nonexistent', self: '', removeFolder: () => {} },
      onLimit: ({ id }, message) => {
        told.push({ id, message });
        word.dispatchEvent(new Event('limit'));
      },
    });
  });
  afterEach(async () => {
    await provider.close();
    await fixture.dispose();
  });

  const created = (resources: SandboxResources): Promise<Sandbox> =>
    provider.create({ taskId: fixture.taskId, resources });
  const hog = (mib: number): string[] => [
    '/opt/handoff/bin/node',
    '-e',
    `const all = []; for (let n = 0; n < ${mib}; n += 10) all.push(Buffer.alloc(10 << 20, 1)); setTimeout(() => {}, 60_000)`,
  ];
  const write = (name: string, mib: number): string => `head -c ${mib}M /dev/zero > ${name}`;

  it('are disclosed as such', async () => {
    const { caps } = await created({ memoryMiB: MEMORY, diskMiB: DISK, cpus: 1 });
    assert.deepEqual(caps.limits, { processes: true, cpus: false, memory: false, disk: false });
  });

  it('stop what takes too much memory, and whoever waits for it is told why', async () => {
    const sandbox = await created({ memoryMiB: MEMORY });
    await shell(sandbox, 'echo kept > f');
    const stopped = once(word, 'limit');
    await assert.rejects(sandbox.exec(request(hog(800))), {
      code: 'limit',
      message:
        /^The sandbox was stopped because it used \d+ MiB of memory; its limit is 300 MiB\. Its files are kept\.$/,
      nextAction:
        'Resume it and run fewer things at once, or set HANDOFF_SANDBOX_MEMORY_MIB to more and start a new task.',
    });
    await assert.rejects(sandbox.readFile('f'), { code: 'lost' });
    await stopped;
    assert.equal(await provider.state(sandbox.ref), 'hibernated');
    assert.equal((await shell(await provider.resume(sandbox.ref), 'cat f')).out, 'kept\n');
    assert.deepEqual(
      told.map(({ id }) => id),
      [sandbox.ref.id],
    );
  });

  it('count memory that several processes share once', async () => {
    const sandbox = await created({ memoryMiB: MEMORY });
    const shared = `
import mmap, os, time
memory = mmap.mmap(-1, 150 << 20)
memory.write(b"x" * (150 << 20))
for _ in range(6):
  if os.fork() == 0:
    total = sum(memory[n] for n in range(0, 150 << 20, 4096))
    time.sleep(1.5)
    os._exit(0)
for _ in range(6): os.wait()`;
    const { exitCode } = await sandbox.exec(request(['/usr/bin/python3', '-c', shared]));
    assert.deepEqual({ exitCode, told }, { exitCode: 0, told: [] });
  });

  it('do not count the pages of a file that is read, which the kernel drops when it needs them', async () => {
    const sandbox = await created({ memoryMiB: MEMORY });
    const reader = `
import mmap, time
with open("big", "w+b") as file:
  file.truncate(600 << 20)
  memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
  total = sum(memory[n] for n in range(0, 600 << 20, 4096))
time.sleep(1.5)`;
    const { exitCode } = await sandbox.exec(request(['/usr/bin/python3', '-c', reader]));
    assert.deepEqual({ exitCode, told }, { exitCode: 0, told: [] });
  });

  it('tell the next call where none was waiting, once', async () => {
    const sandbox = await created({ memoryMiB: MEMORY });
    const stopped = once(word, 'limit');
    const [command = '', ...args] = hog(800);
    await shell(
      sandbox,
      'setsid "$@" >/dev/null 2>&1 &'.replace(
        '"$@"',
        [command, ...args].map((word) => `'${word}'`).join(' '),
      ),
    );
    await stopped;
    await assert.rejects(sandbox.readFile('f'), { code: 'limit' });
    await assert.rejects(sandbox.readFile('f'), { code: 'lost' });
    assert.equal((await shell(await provider.resume(sandbox.ref), 'echo well')).out, 'well\n');
  });

  it('stop what has too much on disk, wherever it hid it, and let it be resumed to delete that', async () => {
    const sandbox = await created({ diskMiB: DISK });
    const stopped = once(word, 'limit');
    await assert.rejects(
      sandbox.exec(
        request(['bash', '-c', `mkdir -p ~/a/b; ${write('~/a/b/big', 100)}; chmod 000 ~/a; sleep 1000`]),
      ),
      {
        code: 'limit',
        message:
          /^The sandbox was stopped because it used \d+ MiB on disk; its limit is 64 MiB\. Its files are kept\.$/,
        nextAction:
          'Resume it and delete what is not needed, or set HANDOFF_SANDBOX_DISK_MIB to more and start a new task.',
      },
    );
    await stopped;
    const resumed = await provider.resume(sandbox.ref);
    // Many looks long: it is not stopped again for what it had.
    assert.equal(
      (await shell(resumed, `${write('more', 20)}; sleep 1; chmod 700 ~/a; rm -r ~/a; echo deleted`)).out,
      'deleted\n',
    );
    assert.equal(told.length, 1);
  });

  it('stop it again when it goes on writing', async () => {
    const sandbox = await created({ diskMiB: DISK });
    const first = once(word, 'limit');
    await assert.rejects(sandbox.exec(request(['bash', '-c', `${write('one', 100)}; sleep 1000`])), {
      code: 'limit',
    });
    await first;
    const again = once(word, 'limit');
    const resumed = await provider.resume(sandbox.ref);
    await assert.rejects(resumed.exec(request(['bash', '-c', `${write('two', 400)}; sleep 1000`])), {
      code: 'limit',
    });
    await again;
    assert.equal(told.length, 2);
  });

  it('stop what keeps too much on disk in a file without a name', async () => {
    const sandbox = await created({ diskMiB: DISK });
    const hide = (mib: number): string => `exec 3>f; rm f; head -c ${mib}M /dev/zero >&3; sleep 1000`;
    await assert.rejects(sandbox.exec(request(['bash', '-c', hide(100)])), {
      code: 'limit',
      message: /MiB on disk/,
    });
    // And where what it writes lies upon what a snapshot has.
    await provider.snapshot(sandbox.ref, 'base');
    const resumed = await provider.resume(sandbox.ref);
    assert.equal((await shell(resumed, 'ls; echo well')).out, 'well\n');
    await assert.rejects(resumed.exec(request(['bash', '-c', hide(400)])), { code: 'limit' });
  });

  it('do not start it again after the third time, until there is less', async () => {
    const sandbox = await created({ diskMiB: DISK });
    for (const [name, mib] of [
      ['one', 100],
      ['two', 400],
      ['three', 400],
    ] as const) {
      const resumed = await provider.resume(sandbox.ref);
      const stopped = once(word, 'limit');
      await assert.rejects(resumed.exec(request(['bash', '-c', `${write(name, mib)}; sleep 1000`])), {
        code: 'limit',
      });
      await stopped;
    }
    const refused = { code: 'limit', message: /^The sandbox is not started: it was stopped 3 times/ };
    await assert.rejects(provider.resume(sandbox.ref), refused);
    await assert.rejects(created({}), refused);
    assert.equal(await provider.state(sandbox.ref), 'hibernated');
    for (const name of ['one', 'two', 'three'])
      await fs.rm(join(fixture.dataDir, 'sandboxes', sandbox.ref.id, 'workspace', name));
    assert.equal((await shell(await provider.resume(sandbox.ref), 'echo well')).out, 'well\n');
  });

  it('hold again what an earlier relay started and let go of, once another looks what there is', async () => {
    const earlier = createLocalProvider(fixture);
    const { ref } = await earlier.create({ taskId: fixture.taskId, resources: { diskMiB: DISK } });
    await shell(await earlier.resume(ref), write('big', 100));
    await earlier.close();
    const stopped = once(word, 'limit');
    await provider.list();
    await stopped;
    assert.deepEqual([told.map(({ id }) => id), await provider.state(ref)], [[ref.id], 'hibernated']);
  });

  it('leave alone what stays below them, and end with their relay', async () => {
    const sandbox = await created({ memoryMiB: MEMORY, diskMiB: DISK });
    assert.equal((await shell(sandbox, `${write('f', 10)}; sleep 1; echo well`)).out, 'well\n');
    await provider.close();
    const other = createLocalProvider({ ...fixture, watchPace: { memory: 60_000, disk: 60_000 } });
    await shell(await other.resume(sandbox.ref), write('g', 100));
    // Time for many looks, if it still looked.
    await assert.rejects(once(word, 'limit', { signal: AbortSignal.timeout(500) }), { name: 'AbortError' });
    assert.deepEqual([told, await other.state(sandbox.ref)], [[], 'running']);
    await other.close();
  });
});

describe('the limits of local sandboxes that the kernel holds, in a folder that looks like control groups', function () {
  this.timeout(60_000);
  let fixture: LocalFixture;
  let mount: string;
  beforeEach(async () => {
    fixture = await localFixture();
    mount = await fs.mkdtemp(join(tmpdir(), 'handoff-cgroup-'));
    for (const file of ['cgroup.controllers', 'cgroup.subtree_control'])
      await fs.writeFile(join(mount, file), 'cpu memory pids');
    await fs.writeFile(join(mount, 'cgroup.procs'), '');
  });
  afterEach(async () => {
    await fixture.dispose();
    await fs.rm(mount, { recursive: true, force: true });
  });

  it('are disclosed, hold from its first process on, and are told when they ended it', async () => {
    const told: string[] = [];
    const removeFolder = (path: string): void => rmSync(path, { recursive: true });
    const provider = createLocalProvider({
      ...fixture,
      cgroups: { mount, self: '0::/\n', removeFolder },
      onLimit: (_ref, message) => told.push(message),
    });
    const sandbox = await provider.create({
      taskId: fixture.taskId,
      resources: { memoryMiB: 512, cpus: 2 },
    });
    const [group = ''] = (await fs.readdir(join(mount, 'handoff'))).filter((name) => name.includes('.t-'));
    const folder = join(mount, 'handoff', group);
    assert.deepEqual(
      { limits: sandbox.caps.limits, entered: await fs.readFile(join(folder, 'cgroup.procs'), 'utf8') },
      { limits: { processes: true, cpus: true, memory: true, disk: false }, entered: '0\n' },
    );
    // As the kernel does when memory is out.
    await fs.writeFile(join(folder, 'memory.events'), 'oom 1\noom_kill 3\noom_group_kill 1\n');
    await assert.rejects(sandbox.exec(request(['bash', '-c', 'kill -9 -1'])), {
      code: 'limit',
      message:
        'The sandbox was stopped because it used more than it may of memory; its limit is 512 MiB. Its files are kept.',
    });
    await assert.rejects(sandbox.readFile('f'), { code: 'lost' });
    assert.equal(told.length, 1);
    assert.equal((await shell(await provider.resume(sandbox.ref), 'echo well')).out, 'well\n');
    await provider.hibernate(sandbox.ref);
    assert.deepEqual(await fs.readdir(join(mount, 'handoff')), ['cgroup.subtree_control']);
    await provider.close();
  });
});
