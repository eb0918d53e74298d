import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import type { SandboxRef } from '../../../server/sandbox/sandbox.ts';
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

  it('cannot be named by a path', async () => {
    for (const id of ['../..', 't-/../x', '', 't-x\0']) {
      const ref = { provider: 'local', id };
      await assert.rejects(async () => fixture.provider.destroy(ref), { code: 'not-found' });
      await assert.rejects(async () => fixture.provider.state(ref), { code: 'not-found' });
    }
  });
});
