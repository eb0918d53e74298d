import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import type { FakeContainer } from '../../fakes/container/state.ts';
import { request, shell, texts } from '../sandbox/support/local.ts';
import { type ContainerFixture, containerFixture, IMAGE } from './fixture.ts';

const DOWN = {
  code: 1,
  err: 'Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?\n',
};
const BROKEN = {
  code: 125,
  err: 'Error response from daemon: OCI runtime create failed: exec format error\n',
};

describe('sandboxes in containers', function () {
  this.timeout(60_000);
  let fixture: ContainerFixture;
  beforeEach(async () => {
    fixture = await containerFixture();
  });
  afterEach(() => fixture.dispose());

  const create = () => fixture.provider.create({ taskId: fixture.taskId });
  const statuses = () => fixture.engine.containers().map(({ status }) => status);
  const ids = () => fixture.engine.containers().map(({ id }) => id);
  /** Has every container be made long ago. */
  const age = () => {
    for (const container of fixture.engine.containers())
      fixture.engine.change({ ...container, createdAt: '2020-01-01T00:00:00.123456789Z' });
  };
  const verbs = async () => (await fixture.engine.calls()).map(([verb]) => verb);

  describe('whose engine does not answer', () => {
    const refused = { code: 'unavailable', nextAction: /systemctl start docker/ };

    it('are not made', async () => {
      await fixture.engine.fail({ '*': DOWN });
      await assert.rejects(create(), refused);
      await assert.rejects(fixture.provider.list(), refused);
    });

    it('are never taken for gone', async () => {
      const { ref } = await create();
      await fixture.engine.fail({ '*': DOWN });
      await assert.rejects(fixture.provider.state(ref), refused);
      await assert.rejects(fixture.provider.resume(ref), refused);
      await assert.rejects(fixture.provider.hibernate(ref), refused);
      await assert.rejects(fixture.provider.destroy(ref), refused);
      await fixture.engine.fail({});
      assert.equal(await fixture.provider.state(ref), 'running');
    });

    it('are not taken for gone when only looking at them fails', async () => {
      const { ref } = await create();
      await fixture.engine.fail({ 'container inspect': { code: 1, err: 'Error: database is locked\n' } });
      await assert.rejects(fixture.provider.state(ref), { code: 'failed', message: /database is locked/ });
    });
  });

  describe('of an image', () => {
    it('have it pulled once, and say how far that is', async () => {
      await create();
      await fixture.provider.create({ taskId: `${fixture.taskId}-2` });
      assert.equal((await verbs()).filter((verb) => verb === 'pull').length, 1);
      assert.deepEqual(fixture.log.slice(0, 3), [
        `docker pulls ${IMAGE}`,
        `docker pulls ${IMAGE}: Status: Downloaded newer image for ${IMAGE}`,
        `docker has ${IMAGE}`,
      ]);
    });

    it('that cannot be had are not made, and leave nothing', async () => {
      await fixture.engine.fail({
        pull: { code: 1, err: 'Error response from daemon: pull access denied for x\n' },
      });
      await assert.rejects(create(), { code: 'unavailable', nextAction: /HANDOFF_IMAGE/ });
      assert.deepEqual(statuses(), []);
    });

    it('that names an option are refused before anything is asked of the engine', async () => {
      const spec = { taskId: fixture.taskId, image: '--privileged' };
      await assert.rejects(fixture.provider.create(spec), {
        code: 'unavailable',
        message: /not the name of an image/,
      });
      assert.equal((await verbs()).includes('create'), false);
    });

    it('of the task’s own choice have that', async () => {
      await fixture.provider.create({ taskId: fixture.taskId, image: 'example.com/other:3' });
      assert.deepEqual(
        fixture.engine.containers().map(({ image }) => image),
        ['example.com/other:3'],
      );
    });
  });

  describe('that do not start', () => {
    it('say why in the engine’s words, and are removed', async () => {
      await fixture.engine.fail({ start: BROKEN });
      await assert.rejects(create(), { code: 'unavailable', message: /exec format error/ });
      assert.deepEqual(statuses(), []);
      await fixture.engine.fail({});
      assert.equal((await shell(await create(), 'echo well')).out, 'well\n');
    });

    it('say why in their own', async () => {
      const supervisor = join(fixture.dataDir, 'broken.mjs');
      await fs.writeFile(supervisor, 'console.error("The image has no git."); process.exit(1)');
      const programs = { ...fixture.options.programs, supervisor };
      const relay = fixture.anotherRelay({ programs, answerPatience: 1_000 });
      await assert.rejects(relay.create({ taskId: fixture.taskId }), {
        code: 'unavailable',
        message: 'The sandbox did not start: The image has no git.',
      });
    });
  });

  it('that were broken off while they were made are no machines, and are made anew', async () => {
    const { message } = await fixture.engine
      .fail({ run: BROKEN, rm: BROKEN })
      .then(create)
      .then(
        () => new Error('made'),
        (error) => error,
      );
    assert.match(message, /exec format error/);
    assert.deepEqual(statuses(), ['created']);
    assert.deepEqual(await fixture.provider.list(), []);
    await fixture.engine.fail({});
    age();
    assert.equal((await shell(await create(), 'ls -A')).out, '');
    assert.deepEqual(statuses(), ['running']);
  });

  describe('that two relays make', () => {
    let other: SandboxProvider;
    beforeEach(() => {
      other = fixture.anotherRelay();
    });
    afterEach(() => other.close());

    it('are one: who comes second waits for the first', async () => {
      const laidOut = await fixture.engine.hold('run');
      const first = create();
      await laidOut.reached;
      const made = ids();
      const second = other.create({ taskId: fixture.taskId });
      const looks = async () => (await verbs()).filter((verb) => verb === 'container').length;
      const before = await looks();
      while ((await looks()) < before + 3) await sleep(20);
      await laidOut.release();
      assert.deepEqual((await second).ref, (await first).ref);
      assert.deepEqual(ids(), made);
    });

    it('are the second one’s where the first slept, which neither fills nor removes it on waking', async () => {
      const seed = await fixture.provider.create({ taskId: `${fixture.taskId}-seed` });
      await shell(seed, 'echo seed > file');
      const from = await fixture.provider.snapshot(seed.ref, 'seed');
      await fixture.provider.destroy(seed.ref);

      const laidOut = await fixture.engine.hold('run');
      const first = fixture.provider.create({ taskId: fixture.taskId, from });
      const outcome = first.then(
        () => 'made',
        ({ code }) => code,
      );
      await laidOut.reached;
      age();
      const sandbox = await other.create({ taskId: fixture.taskId, from });
      await shell(sandbox, 'echo work > file');
      const made = ids();
      await laidOut.release();
      assert.equal(await outcome, 'busy');
      assert.equal((await shell(sandbox, 'cat file')).out, 'work\n');
      assert.deepEqual(ids(), made);
      assert.equal((await shell(await create(), 'cat file')).out, 'work\n');
    });

    it('are the first one’s where it starts what the second takes for given up', async () => {
      const laidOut = await fixture.engine.hold('run');
      const first = create();
      await laidOut.reached;
      age();
      const removed = await fixture.engine.hold('rm');
      const second = other.create({ taskId: fixture.taskId });
      await removed.reached;
      await laidOut.release();
      await shell(await first, 'echo work > file');
      await removed.release();
      assert.equal((await shell(await second, 'cat file')).out, 'work\n');
    });

    it('stay where the first could not reach what the second worked in and put to sleep', async () => {
      const reached = await fixture.engine.hold('exec');
      const first = assert.rejects(create());
      await reached.reached;
      const sandbox = await other.create({ taskId: fixture.taskId });
      await shell(sandbox, 'echo work > file');
      await other.hibernate(sandbox.ref);
      await reached.release();
      await first;
      assert.equal((await shell(await create(), 'cat file')).out, 'work\n');
    });
  });

  for (const then of ['goes on', 'sleeps again'])
    it(`whose machine was woken while it was copied, and ${then}, have no torn snapshot`, async () => {
      const sandbox = await create();
      const copying = await fixture.engine.hold('run');
      const taken = assert.rejects(fixture.provider.snapshot(sandbox.ref, 'name'), { code: 'busy' });
      await copying.reached;
      const other = fixture.anotherRelay();
      await other.resume(sandbox.ref);
      if (then === 'sleeps again') await other.hibernate(sandbox.ref);
      await copying.release();
      await taken;
      assert.equal(ids().length, 1);
      await fixture.provider.snapshot(sandbox.ref, 'name');
      assert.equal(ids().length, 2);
      await other.close();
    });

  it('whose snapshot was broken off have none of that name, and can have it made', async () => {
    const sandbox = await create();
    await shell(sandbox, 'echo kept > kept');
    await fixture.engine.fail({ run: { code: 1, err: 'cp: No space left on device\n' } });
    await assert.rejects(fixture.provider.snapshot(sandbox.ref, 'name'), { code: 'no-space' });
    await fixture.engine.fail({});
    const from = await fixture.provider.snapshot(sandbox.ref, 'name');
    const copy = await fixture.provider.create({ taskId: `${fixture.taskId}-copy`, from });
    assert.equal((await shell(copy, 'cat kept')).out, 'kept\n');
    assert.deepEqual(statuses().toSorted(), ['created', 'exited', 'running']);
  });

  it('leave nothing of themselves when they go', async () => {
    const sandbox = await create();
    await shell(sandbox, 'mkdir a; touch a/b; chmod 000 a');
    const snapshot = await fixture.provider.snapshot(sandbox.ref, 'name');
    await fixture.provider.destroy(sandbox.ref);
    await fixture.provider.deleteSnapshot(snapshot);
    const volumes = await fs.readdir(join(fixture.engine.root, 'volumes'));
    assert.deepEqual([statuses(), volumes], [[], []]);
  });

  it('that somebody else stopped, paused or removed, or that could not be started once, are what the engine says', async () => {
    const { provider } = fixture;
    const sandbox = await create();
    await shell(sandbox, 'echo kept > kept');
    const asleep = async (): Promise<FakeContainer> => {
      await provider.hibernate(sandbox.ref);
      const [container] = fixture.engine.containers();
      assert.ok(container);
      return container;
    };
    for (const status of ['exited', 'paused', 'created'] as const) {
      fixture.engine.change({ ...(await asleep()), status });
      assert.equal(await provider.state(sandbox.ref), 'hibernated');
      assert.equal((await shell(await provider.resume(sandbox.ref), 'cat kept')).out, 'kept\n');
    }
    fixture.engine.change({ ...(await asleep()), name: 'taken-away' });
    assert.equal(await provider.state(sandbox.ref), 'gone');
    await assert.rejects(provider.resume(sandbox.ref), { code: 'lost' });
  });

  it('are told apart from those of another relay on the same engine', async () => {
    const other = fixture.anotherRelay({ dataDir: join(fixture.dataDir, 'other') });
    const mine = await create();
    const theirs = await other.create({ taskId: fixture.taskId });
    assert.notEqual(mine.ref.id, theirs.ref.id);
    assert.deepEqual(await fixture.provider.list(), [{ ref: mine.ref, taskId: fixture.taskId }]);
    assert.deepEqual(await other.list(), [{ ref: theirs.ref, taskId: fixture.taskId }]);
    await other.close();
  });

  it('go on when their relay is killed: another hears a command from its beginning to its end, which ran once', async () => {
    const script = 'echo effect >> effects; echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 5';
    const asked = request(['bash', '-c', script], { execId: 'turn:call' });
    const args = [JSON.stringify(fixture.options), fixture.taskId, JSON.stringify(asked)];
    const relay = spawn(process.execPath, ['test/relay/container/relay-process.ts', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(relay.stdout, 'data');
    relay.kill('SIGKILL');
    await once(relay, 'exit');
    while (bridgesOf(fixture.dataDir).length > 0) await sleep(5);

    const sandbox = await create();
    let heard = '';
    const attached = Promise.withResolvers<void>();
    const running = sandbox.exec(asked, {
      onOutput: ({ data }) => {
        heard += Buffer.from(data);
        attached.resolve();
      },
    });
    await attached.promise;
    await shell(sandbox, 'touch go');
    const { exitCode, ...rest } = await running;
    assert.deepEqual(
      { heard, exitCode, ...texts({ exitCode, ...rest }) },
      { heard: 'one\ntwo\n', exitCode: 5, out: 'one\ntwo\n', err: '' },
    );
    assert.equal((await shell(sandbox, 'cat effects')).out, 'effect\n');
  });

  it('wake with the programs of the relay that wakes them', async () => {
    const { ref } = await create();
    await fixture.provider.hibernate(ref);
    const supervisor = join(fixture.dataDir, 'newer.mjs');
    const older = await fs.readFile(fixture.options.programs.supervisor, 'utf8');
    await fs.writeFile(supervisor, `process.env.NEWER = 'yes';${older}`);
    const relay = fixture.anotherRelay({ programs: { ...fixture.options.programs, supervisor } });
    assert.equal((await shell(await relay.resume(ref), 'echo $NEWER')).out, 'yes\n');
    await relay.close();
  });

  it('of another engine are not looked for in this one', async () => {
    const { ref } = await create();
    const elsewhere = { ...ref, id: ref.id.replace('docker:', 'podman:') };
    await assert.rejects(fixture.provider.state(elsewhere), {
      code: 'unavailable',
      nextAction: /HANDOFF_CONTAINER_CLI=podman/,
    });
    await assert.rejects(fixture.provider.state({ ...ref, id: 'docker:somebody-elses' }), {
      code: 'not-found',
    });
  });

  it('have limits, and tell those that the engine keeps', async () => {
    const limits = { processes: true, cpus: false, memory: true, disk: false };
    const { ref, caps } = await create();
    assert.deepEqual(caps.limits, limits);
    const resources = { cpus: 1.5, memoryMiB: 512 };
    const more = await fixture.provider.create({ taskId: `${fixture.taskId}-2`, resources });
    assert.deepEqual(more.caps.limits, { ...limits, cpus: true });
    // Without control groups engines warn, and leave limits out.
    for (const container of fixture.engine.containers()) fixture.engine.change({ ...container, limits: {} });
    const unlimited = await fixture.provider.resume(ref);
    assert.deepEqual(unlimited.caps.limits, { processes: false, cpus: false, memory: false, disk: false });
  });

  it('have the network that was asked for, and say so', async () => {
    const { caps } = await fixture.provider.create({ taskId: fixture.taskId, network: { mode: 'open' } });
    assert.equal(caps.network, 'open');
    const refused = fixture.provider.create({
      taskId: `${fixture.taskId}-2`,
      network: { mode: 'allow-list', domains: ['example.com'] },
    });
    await assert.rejects(refused, { code: 'unavailable', nextAction: /HANDOFF_NETWORK=none/ });
  });
});

/** The processes of this machine that join a relay to a container of that data folder's engine. */
function bridgesOf(dataDir: string): string[] {
  const folder = basename(join(dataDir, '..'));
  return readdirSync('/proc').filter((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return line.includes(folder) && line.includes('stdio.mjs') && line.includes('bwrap');
    } catch {
      return false;
    }
  });
}
