import assert from 'node:assert/strict';
import { request, shell, texts } from '../sandbox/support/local.ts';
import type { Topic } from './fixture.ts';

/** How machines come, sleep, wake and go. */
export const lifecycle: Topic = (fixture) => {
  const provider = () => fixture().provider;
  const create = () => provider().create({ taskId: fixture().newTaskId() });

  it('makes one machine a task, also when it is created again, or twice at once', async () => {
    const taskId = fixture().newTaskId();
    const [one, same] = await Promise.all([1, 2].map(() => provider().create({ taskId })));
    const again = await provider().create({ taskId });
    const other = await create();
    assert.deepEqual([same?.ref, again.ref], [one?.ref, one?.ref]);
    assert.notDeepEqual(one?.ref, other.ref);
    assert.equal(one?.ref.provider, provider().name);
  });

  it('says what it really enforces', async () => {
    assert.deepEqual((await create()).caps, fixture().caps);
  });

  it('tells tasks apart whose names look alike, and takes long and strange ones', async () => {
    const base = fixture().newTaskId();
    const ids = [
      `${base}/b`,
      `${base}.b`,
      `${base} B`,
      `${base}-${'x'.repeat(200)}`,
      `${base}-${'x'.repeat(201)}`,
    ];
    const refs = [];
    for (const taskId of ids) refs.push((await provider().create({ taskId })).ref);
    assert.equal(new Set(refs.map(({ id }) => id)).size, ids.length);
    const listed = (await provider().list()).filter(({ taskId }) => ids.includes(taskId));
    assert.deepEqual(new Set(listed.map(({ taskId }) => taskId)), new Set(ids));
    for (const ref of refs) await provider().destroy(ref);
  });

  it('begins with an empty workspace in which a repository can be made', async () => {
    const made = await shell(await create(), 'ls -A; git init -q . && git status --short --branch');
    assert.deepEqual([made.code, made.out.includes('No commits yet')], [0, true]);
  });

  it('sleeps without processes, and wakes with its files', async () => {
    const sandbox = await create();
    await shell(sandbox, 'echo w > w; chmod 750 w; ln -s w link; echo h > ~/h; sleep 1000 &');
    await sandbox.putScratch('s', Buffer.from('s'));
    assert.equal(await provider().state(sandbox.ref), 'running');
    await provider().hibernate(sandbox.ref);
    assert.equal(await provider().state(sandbox.ref), 'hibernated');
    const resumed = await provider().resume(sandbox.ref);
    assert.deepEqual(resumed.ref, sandbox.ref);
    const script = `cat link ~/h ${resumed.scratchdir}/s; stat -c %a w; pgrep -c sleep`;
    assert.deepEqual(await shell(resumed, script), { code: 1, out: 'w\nh\ns750\n0\n', err: '' });
    assert.equal(await provider().state(sandbox.ref), 'running');
  });

  it('is hibernated as often as one likes, and woken as often', async () => {
    const { ref } = await create();
    await Promise.all([provider().hibernate(ref), provider().hibernate(ref)]);
    await provider().hibernate(ref);
    assert.equal(await provider().state(ref), 'hibernated');
    const woken = await Promise.all([provider().resume(ref), provider().resume(ref)]);
    assert.deepEqual(
      await Promise.all(woken.map((sandbox) => shell(sandbox, 'echo awake'))),
      Array(2).fill({ code: 0, out: 'awake\n', err: '' }),
    );
  });

  it('fails as lost while it sleeps, for who still holds on to it', async () => {
    const sandbox = await create();
    const running = sandbox.exec(request(['sleep', '1000']));
    const lost = assert.rejects(running, { code: 'lost' });
    await shell(sandbox, 'true');
    await provider().hibernate(sandbox.ref);
    await lost;
    await assert.rejects(sandbox.readFile('x'), { code: 'lost' });
  });

  it('works for who held on to it, once it is awake again', async () => {
    const sandbox = await create();
    await provider().hibernate(sandbox.ref);
    await provider().resume(sandbox.ref);
    assert.equal((await shell(sandbox, 'echo back')).out, 'back\n');
  });

  it('tells a command that sleep ended as lost, with what it printed, and does not run it again', async () => {
    const sandbox = await create();
    const asked = request(['bash', '-c', 'echo effect >> effects; echo one; sleep 1000']);
    const printed = Promise.withResolvers<void>();
    const cut = assert.rejects(sandbox.exec(asked, { onOutput: () => printed.resolve() }), { code: 'lost' });
    await printed.promise;
    await provider().hibernate(sandbox.ref);
    await cut;
    const resumed = await provider().resume(sandbox.ref);
    const result = await resumed.exec(asked);
    assert.deepEqual(
      { exitCode: result.exitCode, reason: result.reason, ...texts(result) },
      { exitCode: null, reason: 'lost', out: 'one\n', err: '' },
    );
    assert.equal((await shell(resumed, 'cat effects')).out, 'effect\n');
  });

  it('remembers, over a sleep, how commands ended and what they printed', async () => {
    const sandbox = await create();
    const asked = request(['bash', '-c', 'echo run >> runs; seq 1 1000; exit 7'], { maxOutputBytes: 4 });
    const first = await sandbox.exec(asked);
    await provider().hibernate(sandbox.ref);
    const resumed = await provider().resume(sandbox.ref);
    assert.deepEqual(await resumed.exec(asked), first);
    const { data, size } = await resumed.readOutput(asked.execId, 'stdout', { offset: 3_888, length: 50 });
    assert.deepEqual([String(Buffer.from(data)), size], ['1000\n', 3_893]);
    assert.equal((await shell(resumed, 'cat runs')).out, 'run\n');
  });

  it('is attached to, not started again, when it runs', async () => {
    const sandbox = await create();
    await shell(sandbox, 'sleep 1000 & echo $! > pid');
    const other = fixture().anotherRelay();
    const attached = await other.resume(sandbox.ref);
    assert.equal((await shell(attached, 'kill -0 $(cat pid) && echo alive')).out, 'alive\n');
    await other.close();
  });

  it('goes on when its relay lets go of it', async () => {
    const relay = fixture().anotherRelay();
    const { ref } = await relay.create({ taskId: fixture().newTaskId() });
    await relay.close();
    assert.equal(await provider().state(ref), 'running');
  });

  it('is kept awake, which changes nothing else', async () => {
    const sandbox = await create();
    await provider().keepAlive(sandbox.ref);
    assert.equal((await shell(sandbox, 'echo well')).out, 'well\n');
  });

  it('survives a command that kills everything in it: it can be resumed, with its files', async () => {
    const sandbox = await create();
    await assert.rejects(sandbox.exec(request(['bash', '-c', 'echo kept > f; kill -9 -1'])), {
      code: 'lost',
    });
    assert.equal((await shell(await provider().resume(sandbox.ref), 'cat f')).out, 'kept\n');
  });

  it('is gone when it is destroyed, as often as one likes, and is never made anew by waking it', async () => {
    const sandbox = await create();
    const hostile = `mkdir -p a/b/c && touch a/b/c/d "$(printf 'not\\xfftext')" && ln -s / everything && chmod 000 a/b/c a/b a`;
    await shell(sandbox, `${hostile}; sleep 100 &`);
    await provider().destroy(sandbox.ref);
    await provider().destroy(sandbox.ref);
    assert.equal(await provider().state(sandbox.ref), 'gone');
    await assert.rejects(provider().resume(sandbox.ref), { code: 'lost' });
    await assert.rejects(sandbox.readFile('x'), { code: 'lost' });
    await provider().hibernate(sandbox.ref);
    assert.equal(await provider().state(sandbox.ref), 'gone');
  });

  it('can be destroyed in its sleep', async () => {
    const { ref } = await create();
    await provider().hibernate(ref);
    await provider().destroy(ref);
    assert.equal(await provider().state(ref), 'gone');
  });

  it('is empty when its task is given another one', async () => {
    const taskId = fixture().newTaskId();
    const first = await provider().create({ taskId });
    await shell(first, 'echo old > old', { execId: 'same-id' });
    await provider().destroy(first.ref);
    const second = await provider().create({ taskId });
    assert.deepEqual(await shell(second, 'ls -A', { execId: 'same-id' }), { code: 0, out: '', err: '' });
  });

  it('is listed with its task while it is there, awake or asleep', async () => {
    const taskIds = [1, 2, 3].map(() => fixture().newTaskId());
    const [awake, asleep, destroyed] = await Promise.all(
      taskIds.map((taskId) => provider().create({ taskId })),
    );
    assert.ok(awake && asleep && destroyed);
    await provider().hibernate(asleep.ref);
    await provider().destroy(destroyed.ref);
    const other = fixture().anotherRelay();
    const listed = (await other.list()).filter(({ taskId }) => taskIds.includes(taskId));
    await other.close();
    assert.deepEqual(
      listed.toSorted((a, b) => taskIds.indexOf(a.taskId) - taskIds.indexOf(b.taskId)),
      [
        { ref: awake.ref, taskId: taskIds[0] },
        { ref: asleep.ref, taskId: taskIds[1] },
      ],
    );
  });

  it('refuses an image where it cannot have one', async () => {
    if (provider().traits.images) return;
    await assert.rejects(provider().create({ taskId: fixture().newTaskId(), image: 'debian' }), {
      code: 'unavailable',
    });
  });
};
