import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxIdOf } from '../../../server/sandbox/local/layout.ts';
import { makeSandbox } from '../../../server/sandbox/local/make.ts';
import { prepare } from '../../../server/sandbox/local/prepare.ts';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import type { Sandbox, SandboxRef } from '../../../server/sandbox/sandbox.ts';
import {
  BUBBLEWRAPS_EACH,
  bubblewrapsOf,
  type LocalFixture,
  localFixture,
  processesOf,
  request,
  shell,
} from './support/local.ts';

describe('the life of a local sandbox', () => {
  let fixture: LocalFixture;
  beforeEach(async () => {
    fixture = await localFixture();
  });
  afterEach(() => fixture.dispose());

  const folderOf = (ref: SandboxRef) => join(fixture.dataDir, 'sandboxes', ref.id);

  it('is one for each task, also when it is created again', async () => {
    const [one, same] = await Promise.all([1, 2].map(() => fixture.provider.create({ taskId: 'a/b' })));
    const other = await fixture.provider.create({ taskId: 'a.b' });
    assert.deepEqual(one?.ref, same?.ref);
    assert.notEqual(one?.ref.id, other.ref.id);
    assert.deepEqual(
      { workdir: other.workdir, scratchdir: other.scratchdir, caps: other.caps },
      {
        workdir: '/workspace',
        scratchdir: '/var/handoff',
        caps: {
          isolation: 'namespaces',
          byteExactOutput: true,
          attach: true,
          network: 'none',
          limits: { processes: true, cpus: false, memory: false, disk: false },
        },
      },
    );
  });

  it('is the first that was made, where another relay makes one in the same moment', async () => {
    const shop = await prepare(fixture);
    const spec = { taskId: fixture.taskId };
    const at = shop.layout.place(sandboxIdOf(spec.taskId));
    const make = (): Promise<void> => makeSandbox(shop, at, spec, async () => false);
    await make();
    await fs.writeFile(join(at.root, 'workspace', 'f'), 'kept\n');
    // As by a relay that saw that there is none before this was made.
    await make();
    assert.equal((await shell(await fixture.provider.create(spec), 'cat f')).out, 'kept\n');
    await fixture.provider.destroy({ provider: 'local', id: at.id });
    assert.deepEqual(await fs.readdir(shop.layout.trash), []);
  });

  it('hibernates without processes and resumes with its files', async () => {
    const { provider } = fixture;
    const sandbox = await provider.create({ taskId: fixture.taskId });
    await shell(sandbox, 'echo w > w; echo h > ~/h; echo t > /tmp/t; sleep 1000 &');
    await sandbox.putScratch('s', Buffer.from('s'));
    assert.equal(await provider.state(sandbox.ref), 'running');
    await provider.hibernate(sandbox.ref);
    await provider.hibernate(sandbox.ref);
    assert.deepEqual([await provider.state(sandbox.ref), bubblewrapsOf(sandbox.ref.id)], ['hibernated', 0]);
    await assert.rejects(sandbox.readFile('w'), { code: 'lost' });

    const resumed = await provider.resume(sandbox.ref);
    assert.deepEqual(await shell(resumed, 'cat w ~/h /var/handoff/s; ls /tmp; pgrep sleep'), {
      code: 1,
      out: 'w\nh\ns',
      err: '',
    });
    assert.equal(await provider.state(sandbox.ref), 'running');
  });

  it('is attached to, not started again, when it runs', async () => {
    const sandbox = await fixture.provider.create({ taskId: fixture.taskId });
    await shell(sandbox, 'touch /tmp/still-here');
    const again = await fixture.provider.resume(sandbox.ref);
    assert.equal((await shell(again, 'ls /tmp')).out, 'still-here\n');
    assert.equal(bubblewrapsOf(sandbox.ref.id), BUBBLEWRAPS_EACH);
  });

  it('goes on when its relay lets go of it', async () => {
    const sandbox = await fixture.provider.create({ taskId: 'let-go' });
    await fixture.provider.close();
    assert.equal(await createLocalProvider(fixture).state(sandbox.ref), 'running');
  });

  it('is let go of completely, also when many asked for it at once', async () => {
    const { provider } = fixture;
    const { ref } = await provider.create({ taskId: fixture.taskId });
    const other = createLocalProvider(fixture);
    const sandbox = await other.resume(ref);
    await other.close();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
    await Promise.all(Array.from({ length: 5 }, () => shell(sandbox, 'true')));
    await other.close();
    const after = process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
    assert.equal(after, before);
  });

  it('ends as hibernated when a command kills everything in it, and can be resumed', async () => {
    const { provider } = fixture;
    const sandbox = await provider.create({ taskId: 'suicide' });
    await assert.rejects(sandbox.exec(request(['bash', '-c', 'echo kept > f; kill -9 -1'])), {
      code: 'lost',
    });
    await provider.hibernate(sandbox.ref);
    assert.equal(await provider.state(sandbox.ref), 'hibernated');
    assert.equal((await shell(await provider.resume(sandbox.ref), 'cat f')).out, 'kept\n');
  });

  for (const program of ['flock', 'bwrap'] as const) {
    it(`ends when the ${program} outside of it is killed, so that it cannot run twice, and can be resumed`, async () => {
      const { provider, taskId } = fixture;
      const sandbox = await provider.create({ taskId });
      await shell(sandbox, 'echo kept > f');
      const [outside = 0, ...others] = processesOf(program, sandbox.ref.id);
      assert.equal(others.length, program === 'flock' ? 0 : BUBBLEWRAPS_EACH - 1);
      process.kill(outside, 'SIGKILL');
      while ((await provider.state(sandbox.ref)) !== 'hibernated');
      assert.equal((await shell(await provider.resume(sandbox.ref), 'cat f')).out, 'kept\n');
      assert.deepEqual(
        [processesOf('flock', sandbox.ref.id).length, bubblewrapsOf(sandbox.ref.id)],
        [1, BUBBLEWRAPS_EACH],
      );
    });
  }

  it('is not taken for another one that has got the number of its first process', async () => {
    const { provider } = fixture;
    const [dead, other] = [
      await provider.create({ taskId: 'dead' }),
      await provider.create({ taskId: 'other' }),
    ];
    await assert.rejects(dead.exec(request(['bash', '-c', 'kill -9 -1'])), { code: 'lost' });
    while ((await provider.state(dead.ref)) !== 'hibernated');
    const processOf = async (ref: SandboxRef): Promise<{ pid: number; boot: string }> =>
      JSON.parse(await fs.readFile(join(folderOf(ref), 'process.json'), 'utf8'));
    const { pid, boot } = await processOf(other.ref);
    await fs.writeFile(join(folderOf(dead.ref), `bwrap-${boot}.json`), JSON.stringify({ 'child-pid': pid }));
    assert.equal(await provider.state(dead.ref), 'hibernated');
    await provider.hibernate(dead.ref);
    assert.equal(await provider.state(other.ref), 'running');
    assert.equal((await shell(other, 'echo well')).out, 'well\n');
  });

  it('says why it did not start', async () => {
    const supervisorPath = join(fixture.dataDir, 'broken.mjs');
    await fs.writeFile(supervisorPath, 'throw new Error("out of order")');
    const provider = createLocalProvider({ dataDir: fixture.dataDir, supervisorPath });
    await assert.rejects(provider.create({ taskId: fixture.taskId }), {
      code: 'failed',
      message: /^The sandbox did not start: .*out of order/s,
    });
    await provider.close();
  });

  it('is failed when its supervisor is stopped, and can be resumed', async () => {
    const { dataDir, supervisorPath } = fixture;
    const provider = createLocalProvider({ dataDir, supervisorPath, answerPatience: 1_500 });
    const sandbox = await provider.create({ taskId: 'frozen' });
    const frozen = assert.rejects(sandbox.exec(request(['bash', '-c', 'kill -STOP $PPID'])), {
      code: 'lost',
    });
    while ((await provider.state(sandbox.ref)) === 'running');
    assert.equal(await provider.state(sandbox.ref), 'failed');
    const resumed = await provider.resume(sandbox.ref);
    assert.equal((await shell(resumed, 'echo well')).out, 'well\n');
    await frozen;
    await provider.close();
  });

  it('is gone, with all of its files, when it is destroyed, as often as one likes', async () => {
    const { provider } = fixture;
    const sandbox = await provider.create({ taskId: fixture.taskId });
    await shell(
      sandbox,
      `mkdir -p a/b/c && touch a/b/c/d "$(printf 'not\\xfftext')" && ln -s / everything && chmod 000 a/b/c a/b a; sleep 100 &`,
    );
    await provider.destroy(sandbox.ref);
    await provider.destroy(sandbox.ref);
    assert.deepEqual(
      {
        state: await provider.state(sandbox.ref),
        processes: bubblewrapsOf(sandbox.ref.id),
        folder: existsSync(folderOf(sandbox.ref)),
        trash: await fs.readdir(join(fixture.dataDir, 'sandboxes', '.trash')),
      },
      { state: 'gone', processes: 0, folder: false, trash: [] },
    );
    await provider.hibernate(sandbox.ref);
    await assert.rejects(provider.resume(sandbox.ref), { code: 'lost' });
    assert.equal(existsSync(folderOf(sandbox.ref)), false);
  });

  it('has failed when its files are incomplete, and is not silently made anew', async () => {
    const { provider } = fixture;
    const { ref } = await provider.create({ taskId: 'damaged' });
    await provider.hibernate(ref);
    await fs.rm(join(folderOf(ref), 'workspace'), { recursive: true });
    assert.equal(await provider.state(ref), 'failed');
    await assert.rejects(provider.resume(ref), { code: 'lost' });
    await assert.rejects(provider.create({ taskId: 'damaged' }), { code: 'lost' });
  });

  it('is listed with its task, whatever state it is in, until it is destroyed', async () => {
    const { provider, dataDir } = fixture;
    assert.deepEqual(await provider.list(), []);
    const [one, two] = [await provider.create({ taskId: 'one' }), await provider.create({ taskId: 'two' })];
    await provider.hibernate(one.ref);
    // What is being made, and what is no sandbox, is not one.
    await fs.mkdir(join(dataDir, 'sandboxes', '.trash', 'new.t-x.1'), { recursive: true });
    await fs.mkdir(join(dataDir, 'sandboxes', 'lost+found'));
    const all = await createLocalProvider(fixture).list();
    await fs.rmdir(join(dataDir, 'sandboxes', 'lost+found'));
    assert.deepEqual(
      all.toSorted((a, b) => a.taskId.localeCompare(b.taskId)),
      [
        { ref: one.ref, taskId: 'one' },
        { ref: two.ref, taskId: 'two' },
      ],
    );
    await provider.destroy(one.ref);
    assert.deepEqual(await provider.list(), [{ ref: two.ref, taskId: 'two' }]);
  });

  it('is not made where something is asked for that it cannot be', async () => {
    const { provider } = fixture;
    await assert.rejects(provider.create({ taskId: 'x', image: 'debian:12' }), {
      code: 'unavailable',
      nextAction: /HANDOFF_SANDBOX=container/,
    });
    const from = { provider: 'daytona', id: 'theirs' };
    await assert.rejects(provider.create({ taskId: 'x', from }), { code: 'not-found' });
    assert.deepEqual(await provider.list(), []);
  });

  it('of a relay from before it could become a snapshot goes on, and can', async () => {
    const { provider } = fixture;
    const { ref } = await provider.create({ taskId: 'old' });
    await shell(await provider.resume(ref), 'echo kept > f');
    await provider.hibernate(ref);
    await fs.writeFile(join(folderOf(ref), 'meta.json'), JSON.stringify({ taskId: 'old' }));
    assert.equal((await shell(await provider.resume(ref), 'cat f')).out, 'kept\n');
    await provider.snapshot(ref, 'from-old');
    assert.equal((await shell(await provider.resume(ref), 'cat f')).out, 'kept\n');
  });

  it('has failed when its record is damaged, and nothing that it may need is removed', async () => {
    const { provider } = fixture;
    const { ref } = await provider.create({ taskId: 'damaged' });
    await provider.snapshot(ref, 'base');
    const meta = join(folderOf(ref), 'meta.json');
    const content = await fs.readFile(meta, 'utf8');
    await fs.writeFile(meta, content.slice(0, -2));
    assert.equal(await provider.state(ref), 'failed');
    await assert.rejects(provider.resume(ref), { code: 'lost' });
    await provider.deleteSnapshot({ provider: 'local', id: 'base' });
    await fs.writeFile(meta, content);
    assert.equal((await shell(await provider.resume(ref), 'pwd')).out, '/workspace\n');
  });

  it('cannot be named by a path', async () => {
    for (const id of ['../..', 't-/../x', '', 't-x\0']) {
      const ref = { provider: 'local', id };
      await assert.rejects(async () => fixture.provider.destroy(ref), { code: 'not-found' });
      await assert.rejects(async () => fixture.provider.state(ref), { code: 'not-found' });
    }
  });
});

describe('a local sandbox has the toolchains of its machine', () => {
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  before(async () => {
    fixture = await localFixture();
    sandbox = await fixture.provider.create({ taskId: fixture.taskId });
  });
  after(() => fixture.dispose());

  const hello = '#include <stdio.h>\nint main(void) { puts("hello"); }\n';
  const projects: Array<
    [what: string, needs: string, files: Record<string, string>, script: string, out: string]
  > = [
    [
      'C, by make',
      '/usr/bin/gcc',
      { 'm.c': hello, Makefile: 'm: m.c\n\tcc -o m m.c\n' },
      'make -s && ./m',
      'hello\n',
    ],
    [
      'Python, in an environment of its own',
      '/usr/bin/python3',
      { 'm.py': 'import ssl, sqlite3, sys\nprint(sys.prefix)\n' },
      'python3 -m venv --without-pip venv && venv/bin/python m.py',
      '/workspace/venv\n',
    ],
    [
      'Node, with its test runner',
      '/usr/bin/node',
      { 'test/a.test.js': 'require("node:test")("works", () => {});\n' },
      'node --test test/ | grep "^# pass"',
      '# pass 1\n',
    ],
    [
      'Git, with commits and branches',
      '/usr/bin/git',
      { 'r/f': 'f' },
      'cd r && git init -q -b main && git add f && git -c user.name=a -c user.email=a@b commit -qm one && git switch -qc two && git log --format=%s%d',
      'one (HEAD -> two, main)\n',
    ],
    [
      'Java',
      '/usr/bin/javac',
      { 'M.java': 'class M { public static void main(String[] a) { System.out.println("hello"); } }' },
      'javac M.java && java M',
      'hello\n',
    ],
  ];
  for (const [what, needs, files, script, out] of projects.filter(([, needs]) => existsSync(needs))) {
    it(`builds ${what} (this machine has ${needs})`, async () => {
      for (const [path, text] of Object.entries(files))
        await sandbox.writeFile({ path, data: Buffer.from(text) });
      assert.deepEqual(await shell(sandbox, script, { timeoutMs: 60_000 }), { code: 0, out, err: '' });
    }).timeout(60_000);
  }

  it('and those that its owner shows it, to read, with their programs first on PATH', async () => {
    const home = await fs.mkdtemp(join(tmpdir(), 'handoff-toolchain-'));
    const toolchain = join(home, 'versions', 'v1');
    await fs.mkdir(join(toolchain, 'bin'), { recursive: true });
    await fs.writeFile(join(toolchain, 'bin', 'git'), '#!/bin/sh\ncat "$(dirname "$0")/../lib"\n', {
      mode: 0o755,
    });
    await fs.writeFile(join(toolchain, 'lib'), "not the machine's git\n");
    await fs.writeFile(join(home, 'secret'), 'secret');
    const provider = createLocalProvider({ ...fixture, readOnly: [toolchain] });
    const { ref } = await provider.create({ taskId: 'shown' });
    const script = `git; touch ${toolchain}/x ${toolchain}/bin/git 2>&1 | wc -l; ls ${home}`;
    try {
      assert.equal(
        (await shell(await provider.resume(ref), script)).out,
        "not the machine's git\n2\nversions\n",
      );
      await provider.snapshot(ref, 'shown');
      assert.equal((await shell(await provider.resume(ref), 'git')).out, "not the machine's git\n");
    } finally {
      await provider.destroy(ref);
      await provider.close();
      await fs.rm(home, { recursive: true });
    }
  });

  it('but no folder that its owner should not have named', async () => {
    const provider = createLocalProvider({ ...fixture, readOnly: [fixture.dataDir] });
    await assert.rejects(provider.create({ taskId: 'wrong' }), {
      code: 'unavailable',
      message: /data folder|is in it/,
    });
    await provider.close();
  });
});
