import assert from 'node:assert/strict';
import type { Sandbox, SnapshotRef } from '../../../server/sandbox/sandbox.ts';
import { shell } from '../sandbox/support/local.ts';
import type { Topic } from './fixture.ts';

/** Machines made from what another had. */
export const snapshots: Topic = (fixture) => {
  const provider = () => fixture().provider;
  let source: Sandbox;
  let snapshot: SnapshotRef;
  const fork = () => provider().create({ taskId: fixture().newTaskId(), from: snapshot });
  const look =
    'cat a/file; stat -c %a a/file; readlink link; cat ~/h; tail -c 3 bin | od -An -tx1 | tr -d " "';
  const seen = 'as it was\n755\na/file\nhome\nff000a\n';

  before(async () => {
    source = await provider().create({ taskId: fixture().newTaskId() });
    await shell(
      source,
      `mkdir a; echo 'as it was' > a/file; chmod 755 a/file; ln -s a/file link; echo home > ~/h; printf '\\xff\\0\\n' > bin
       git init -q repo; cd repo; git -c user.name=a -c user.email=b commit -q --allow-empty -m one`,
    );
    snapshot = await provider().snapshot(source.ref, 'the-first');
    source = await provider().resume(source.ref);
  });

  it('leave the machine as it was, which goes on', async () => {
    assert.equal((await shell(source, look)).out, seen);
    assert.equal(await provider().state(source.ref), 'running');
  });

  it('make machines that have the same files: modes, links, bytes, what is at home, a repository', async () => {
    const made = await fork();
    assert.deepEqual(await shell(made, look), { code: 0, out: seen, err: '' });
    assert.deepEqual(await shell(made, 'git -C repo log --format=%s; git -C repo status --short'), {
      code: 0,
      out: 'one\n',
      err: '',
    });
    assert.notDeepEqual(made.ref, source.ref);
  });

  it('do not change with the machine that they were made of, nor with those made of them', async () => {
    await shell(source, 'echo later > a/file; echo new > new');
    const one = await fork();
    await shell(one, 'echo mine > a/file; echo mine > mine; rm link; echo mine > ~/h');
    const two = await fork();
    assert.equal((await shell(two, look)).out, seen);
    assert.equal((await shell(two, 'ls')).out, 'a\nbin\nlink\nrepo\n');
    await shell(two, 'echo other > a/file');
    assert.equal((await shell(one, 'cat a/file')).out, 'mine\n');
    assert.equal(
      (await shell(source, 'cat a/file; ls; cat ~/h')).out,
      'later\na\nbin\nlink\nnew\nrepo\nhome\n',
    );
  });

  it('are made once under a name', async () => {
    await shell(source, 'echo even later > a/file');
    assert.deepEqual(await provider().snapshot(source.ref, 'the-first'), snapshot);
    source = await provider().resume(source.ref);
    assert.equal((await shell(await fork(), look)).out, seen);
  });

  it('make machines that sleep, wake and are their task’s only one', async () => {
    const taskId = fixture().newTaskId();
    const made = await provider().create({ taskId, from: snapshot });
    await shell(made, 'echo mine > mine');
    await provider().hibernate(made.ref);
    const resumed = await provider().resume(made.ref);
    assert.equal((await shell(resumed, `cat mine; ${look}`)).out, `mine\n${seen}`);
    const again = await provider().create({ taskId, from: snapshot });
    assert.deepEqual([again.ref, (await shell(again, 'cat mine')).out], [made.ref, 'mine\n']);
  });

  it('can be made of a machine that sleeps, and of one that was made of another', async () => {
    const made = await fork();
    await shell(made, 'echo second > second');
    await provider().hibernate(made.ref);
    const second = await provider().snapshot(made.ref, 'the-second');
    assert.notDeepEqual(second, snapshot);
    const grandchild = await provider().create({ taskId: fixture().newTaskId(), from: second });
    assert.equal((await shell(grandchild, `cat second; ${look}`)).out, `second\n${seen}`);
    await provider().deleteSnapshot(second);
  });

  it('outlive the machine that they were made of', async () => {
    const made = await provider().create({ taskId: fixture().newTaskId() });
    await shell(made, 'echo kept > kept');
    const kept = await provider().snapshot(made.ref, 'outliving');
    await provider().destroy(made.ref);
    const child = await provider().create({ taskId: fixture().newTaskId(), from: kept });
    assert.equal((await shell(child, 'cat kept')).out, 'kept\n');
    await provider().deleteSnapshot(kept);
  });

  it('are deleted as often as one likes; what was made of them goes on, and nothing can be made any more', async () => {
    const made = await provider().create({ taskId: fixture().newTaskId() });
    await shell(made, 'echo kept > kept');
    const short = await provider().snapshot(made.ref, 'short-lived');
    const child = await provider().create({ taskId: fixture().newTaskId(), from: short });
    await provider().deleteSnapshot(short);
    await provider().deleteSnapshot(short);
    assert.equal((await shell(child, 'echo more >> kept; cat kept')).out, 'kept\nmore\n');
    await provider().hibernate(child.ref);
    assert.equal((await shell(await provider().resume(child.ref), 'cat kept')).out, 'kept\nmore\n');
    const taskId = fixture().newTaskId();
    await assert.rejects(provider().create({ taskId, from: short }), { code: 'not-found' });
  });

  it('are no machines: they are not listed', async () => {
    const refs = (await provider().list()).map(({ ref }) => ref.id);
    assert.equal(refs.includes(snapshot.id), false);
  });

  it('are refused of a machine that is gone, and under a name that is none', async () => {
    const made = await provider().create({ taskId: fixture().newTaskId() });
    await assert.rejects(provider().snapshot(made.ref, '../Name'), { name: 'SandboxError' });
    await provider().destroy(made.ref);
    await assert.rejects(provider().snapshot(made.ref, 'of-nothing'), { code: 'lost' });
  });
};
