import assert from 'node:assert/strict';
import { createDaytonaProvider } from '../../../server/sandbox/daytona/provider.ts';
import type { SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { request, shell } from '../sandbox/support/local.ts';
import { hastyClock } from './support/clock.ts';
import { type DaytonaFixture, daytonaFixture } from './support/provider.ts';

describe('the life of a machine at Daytona', () => {
  let fixture: DaytonaFixture;
  let relay: SandboxProvider;
  before(async () => {
    fixture = await daytonaFixture();
    relay = fixture.relay();
  });
  after(async () => {
    const { problems } = fixture.double;
    await fixture.dispose();
    assert.deepEqual(problems, []);
  });
  afterEach(async () => {
    fixture.double.faults.clear();
    for (const { ref } of await relay.list()) await relay.destroy(ref);
  });

  const creations = (): number => fixture.double.requests.filter((one) => one === 'POST /sandbox').length;

  it('begins as what was asked for: name, labels, no network, intervals, nobody else let in', async () => {
    const { ref } = await relay.create({ taskId: 'task/1' });
    const {
      name,
      labels,
      networkBlockAll,
      autoStopInterval,
      autoArchiveInterval,
      autoDeleteInterval,
      ...dto
    } = fixture.double.world.sandbox(ref.id).dto;
    assert.deepEqual(
      {
        name,
        labels,
        networkBlockAll,
        autoStopInterval,
        autoArchiveInterval,
        autoDeleteInterval,
        public: dto.public,
      },
      {
        name: 'handoff-9f86d081-task-1-38de28feb118',
        labels: { 'handoff.task': 'task/1', 'handoff.owner': 'test', 'code-toolbox-language': 'javascript' },
        networkBlockAll: true,
        autoStopInterval: 20,
        autoArchiveInterval: 10_080,
        autoDeleteInterval: -1,
        public: false,
      },
    );
  });

  it('is made once when the relay dies between asking for it and hearing of it', async () => {
    fixture.double.faults.add({ on: /^POST \/sandbox$/, does: 'drop', times: 1, after: true });
    const before = creations();
    const { ref } = await relay.create({ taskId: 'cut' });
    const again = await fixture.relay().create({ taskId: 'cut' });
    assert.deepEqual([again.ref, creations() - before, fixture.double.world.sandboxes.size], [ref, 1, 1]);
  });

  it('is asked for again when the request itself was lost', async () => {
    fixture.double.faults.add({ on: /^POST \/sandbox$/, does: 'drop', times: 1 });
    const before = creations();
    await fixture.relay({ clock: hastyClock() }).create({ taskId: 'lost-request' });
    assert.deepEqual([creations() - before, fixture.double.world.sandboxes.size], [2, 1]);
  });

  it('is one although two relays ask for it in the same moment', async () => {
    const machines = await Promise.all(
      [relay, fixture.relay(), fixture.relay()].map((one) => one.create({ taskId: 'twice' })),
    );
    assert.equal(new Set(machines.map(({ ref }) => ref.id)).size, 1);
    assert.equal(fixture.double.world.sandboxes.size, 1);
    const runs = await Promise.all(
      machines.map((one) => one.exec(request(['bash', '-c', 'echo ran >> ~/runs'], { execId: 'same' }))),
    );
    assert.deepEqual(
      runs.map(({ reason }) => reason),
      ['exit', 'exit', 'exit'],
    );
    const [first] = machines;
    assert.ok(first);
    // A process that was just forked still has its parent's name; a second supervisor would keep its own.
    const alone = 'until [ "$(pgrep -fc "[s]upervisor.*serve")" = 1 ]; do sleep 0.05; done';
    assert.equal(
      (await shell(first, `cat ~/runs; timeout 10 bash -c '${alone}' && echo alone`)).out,
      'ran\nalone\n',
    );
  });

  it('is known as stopped when it was stopped behind our back, and goes on with its files after it was resumed', async () => {
    const sandbox = await relay.create({ taskId: 'stopped' });
    await shell(sandbox, 'echo kept > file; sleep 1000 &');
    await fixture.double.behind.stop(sandbox.ref.id);
    assert.equal(await relay.state(sandbox.ref), 'hibernated');
    await assert.rejects(shell(sandbox, 'true'), { code: 'lost' });
    const resumed = await relay.resume(sandbox.ref);
    assert.deepEqual(await shell(resumed, 'cat file; pgrep -c sleep'), {
      code: 1,
      out: 'kept\n0\n',
      err: '',
    });
  });

  it('is started again when it stops in the very moment in which it is resumed', async () => {
    const sandbox = await relay.create({ taskId: 'moment' });
    await shell(sandbox, 'echo kept > file');
    const { dto } = fixture.double.world.sandbox(sandbox.ref.id);
    await fixture.double.behind.die(sandbox.ref.id);
    const clock = hastyClock();
    const late = fixture.relay({
      clock: {
        ...clock,
        async sleep(ms) {
          // Daytona notices it only now.
          dto.state = 'stopped';
          await clock.sleep(ms, AbortSignal.timeout(1));
        },
      },
    });
    assert.equal(dto.state, 'started');
    assert.equal((await shell(await late.resume(sandbox.ref), 'cat file')).out, 'kept\n');
  });

  it('is gone when it was deleted behind our back: lost for who resumes it, and not made anew', async () => {
    const { ref } = await relay.create({ taskId: 'deleted' });
    await fixture.double.behind.delete(ref.id);
    const before = creations();
    assert.equal(await relay.state(ref), 'gone');
    await assert.rejects(relay.resume(ref), { code: 'lost' });
    await relay.hibernate(ref);
    await relay.destroy(ref);
    assert.equal(creations(), before);
  });

  it('is waited for when it starts slowly, out of an archive even', async () => {
    const sandbox = await relay.create({ taskId: 'slow' });
    await shell(sandbox, 'echo kept > file');
    await fixture.double.behind.archive(sandbox.ref.id);
    assert.equal(await relay.state(sandbox.ref), 'archived');
    const release = fixture.double.hold('start');
    const impatient = fixture.relay({ requestMs: 200 });
    const resuming = impatient.resume(sandbox.ref);
    await stateIs(sandbox.ref, 'starting');
    // Longer than the one request takes that asked for it.
    const late = fixture.double.requests.length + 5;
    while (fixture.double.requests.length < late) await stateIs(sandbox.ref, 'starting');
    release();
    assert.equal((await shell(await resuming, 'cat file')).out, 'kept\n');
  });

  it('is given up after a quarter of an hour, as busy: it may come later', async () => {
    const { ref } = await relay.create({ taskId: 'never' });
    await relay.hibernate(ref);
    const release = fixture.double.hold('start');
    const clock = hastyClock();
    await assert.rejects(fixture.relay({ requestMs: 100, clock }).resume(ref), {
      code: 'busy',
      message: 'Daytona takes too long to start the sandbox.',
    });
    const waited = clock.waits.reduce((sum, wait) => sum + wait, 0);
    assert.ok(waited > 14 * 60_000 && waited < 16 * 60_000, `${waited} ms`);
    release();
    await fixture.double.world.transitions.settled();
    await relay.resume(ref);
  });

  it('is failed, with the reason, when Daytona says so', async () => {
    const { ref } = await relay.create({ taskId: 'error' });
    fixture.double.behind.fail(ref.id, 'the runner is on fire');
    assert.equal(await relay.state(ref), 'failed');
    await assert.rejects(relay.resume(ref), {
      code: 'failed',
      message: 'The sandbox is in trouble at Daytona (error): the runner is on fire.',
    });
    await relay.destroy(ref);
    assert.equal(await relay.state(ref), 'gone');
  });

  it('is made anew after an image that could not be built, once the image is another', async () => {
    const broken = fixture.relay({ image: 'broken:1' });
    await assert.rejects(broken.create({ taskId: 'image' }), {
      code: 'failed',
      message: 'The sandbox is in trouble at Daytona (build_failed): failed to build: no such image.',
    });
    const mended = await fixture.relay({ image: 'fine:1' }).create({ taskId: 'image' });
    assert.equal((await shell(mended, 'echo works')).out, 'works\n');
    assert.equal(fixture.double.world.sandboxes.size, 1);
  });

  it('waits until the one before it is removed', async () => {
    const { ref } = await relay.create({ taskId: 'again' });
    const release = fixture.double.hold('delete');
    const removing = relay.destroy(ref);
    await stateIs(ref, 'stopping');
    const making = fixture.relay().create({ taskId: 'again' });
    release();
    await removing;
    assert.notEqual((await making).ref.id, ref.id);
  });

  it('is not taken from somebody else who has its name', async () => {
    const { ref } = await relay.create({ taskId: 'name' });
    fixture.double.world.sandbox(ref.id).dto.labels['handoff.task'] = 'another';
    await assert.rejects(fixture.relay().create({ taskId: 'name' }), { code: 'failed' });
  });

  it('is not used where Daytona gives more of the network than was asked for', async () => {
    const more = { on: /^POST \/sandbox$/, times: 1, after: true, does: 'drop' as const };
    fixture.double.faults.add(more);
    const creating = relay.create({ taskId: 'network' });
    const opened = (async () => {
      for (;;) {
        const [record] = [...fixture.double.world.sandboxes.values()];
        if (record !== undefined) {
          record.dto.networkBlockAll = false;
          return;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await opened;
    await assert.rejects(creating, { code: 'unavailable' });
    assert.equal(fixture.double.world.sandboxes.size, 0);
  });

  it('is told to be in use once a minute, however often it is said', async () => {
    const { ref } = await relay.create({ taskId: 'alive' });
    const clock = hastyClock();
    const other = fixture.relay({ clock });
    const said = (): number => fixture.double.requests.filter((one) => one.endsWith('/last-activity')).length;
    const before = said();
    for (let i = 0; i < 5; i += 1) await other.keepAlive(ref);
    assert.equal(said() - before, 1);
    await clock.sleep(60_000, AbortSignal.timeout(1));
    await other.keepAlive(ref);
    assert.equal(said() - before, 2);
  });

  it('is listed page by page, and only by its owner', async () => {
    const made = [];
    for (const taskId of ['one', 'two', 'three'])
      made.push({ ref: (await relay.create({ taskId })).ref, taskId });
    const stranger = fixture.relay({ owner: 'somebody else' });
    assert.deepEqual([await relay.list(), await stranger.list()], [made, []]);
  });

  const stateIs = async (ref: { provider: string; id: string }, wanted: string): Promise<void> => {
    while ((await relay.state(ref)) !== wanted) await new Promise((resolve) => setImmediate(resolve));
  };
});

describe('a relay that is to use Daytona', () => {
  it('needs a key only once it makes a sandbox, and says which', async () => {
    const relay = createDaytonaProvider({
      apiKey: undefined,
      apiUrl: undefined,
      target: undefined,
      owner: 'test',
      image: undefined,
      snapshot: undefined,
      idleMs: 600_000,
      supervisorPath: '/nowhere',
    });
    await assert.rejects(relay.create({ taskId: 'x' }), {
      code: 'unavailable',
      nextAction: 'Set DAYTONA_API_KEY to a key of your Daytona organization, or HANDOFF_SANDBOX=local.',
    });
    await relay.close();
  });
});
