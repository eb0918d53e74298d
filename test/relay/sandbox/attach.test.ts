import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import type { ExecRequest } from '../../../server/sandbox/sandbox.ts';
import {
  BUBBLEWRAPS_EACH,
  bubblewrapsOf,
  type LocalFixture,
  localFixture,
  request,
  shell,
  texts,
} from './support/local.ts';

type RelayProcess = ChildProcessByStdio<null, Readable, null>;

describe('a local sandbox whose relay is killed in the middle of a command', () => {
  let fixture: LocalFixture;
  beforeEach(async () => {
    fixture = await localFixture();
  });
  afterEach(() => fixture.dispose());

  const relayRunning = (asked: ExecRequest): RelayProcess => {
    const program = 'test/relay/sandbox/support/relay-process.ts';
    const args = [program, fixture.dataDir, fixture.supervisorPath, fixture.taskId, JSON.stringify(asked)];
    return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const killedAfterFirstOutput = async (relay: RelayProcess): Promise<string> => {
    const [chunk] = await once(relay.stdout, 'data');
    relay.kill('SIGKILL');
    await once(relay, 'exit');
    return String(chunk);
  };

  it('goes on, and another relay hears the command from its beginning to its end, which ran once', async () => {
    const script = 'echo effect >> effects; echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 5';
    const asked = request(['bash', '-c', script], { execId: 'turn:call' });
    assert.equal(await killedAfterFirstOutput(relayRunning(asked)), 'one\n');

    const next = createLocalProvider(fixture);
    const ref = { provider: 'local', id: (await next.create({ taskId: fixture.taskId })).ref.id };
    assert.equal(await next.state(ref), 'running');
    const sandbox = await next.resume(ref);
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
    const result = await running;
    assert.deepEqual(
      { heard, exitCode: result.exitCode, reason: result.reason, ...texts(result) },
      { heard: 'one\ntwo\n', exitCode: 5, reason: 'exit', out: 'one\ntwo\n', err: '' },
    );
    assert.equal((await shell(sandbox, 'cat effects')).out, 'effect\n');
    await next.close();
  });

  it('is attached to also when that relay died before it could write down how', async () => {
    const sandbox = await fixture.provider.create({ taskId: fixture.taskId });
    await shell(sandbox, 'touch /tmp/same-machine');
    await fixture.provider.close();
    const folder = join(fixture.dataDir, 'sandboxes', sandbox.ref.id);
    const socket = await fs.readFile(join(folder, 'socket'), 'utf8');
    await fs.rename(socket, `${socket}.ab12`);
    await fs.rm(join(folder, 'socket'));
    await fs.rm(join(folder, 'process.json'));
    const resumed = await fixture.provider.resume(sandbox.ref);
    assert.equal((await shell(resumed, 'ls /tmp')).out, 'same-machine\n');
    assert.equal(await fixture.provider.state(sandbox.ref), 'running');
  });

  it('is found by several relays that look for it at the same moment', async () => {
    const { ref } = await fixture.provider.create({ taskId: fixture.taskId });
    const program = new URL('./support/look-again.ts', import.meta.url);
    const looks = Array.from({ length: 2 }, async () => {
      const relay = new Worker(program, { workerData: { dataDir: fixture.dataDir, id: ref.id } });
      return (await once(relay, 'message'))[0];
    });
    assert.deepEqual(await Promise.all(looks), ['always', 'always']);
  });

  it('runs once however many relays start it at the same moment', async () => {
    const providers = Array.from({ length: 4 }, () => createLocalProvider(fixture));
    const asked = request(['bash', '-c', 'echo effect >> effects'], { execId: 'turn:call' });
    const [first] = await Promise.all(
      providers.map((provider) => provider.create({ taskId: fixture.taskId })),
    );
    assert.ok(first);
    await fixture.provider.hibernate(first.ref);
    const sandboxes = await Promise.all(providers.map((provider) => provider.resume(first.ref)));
    await Promise.all(sandboxes.map((sandbox) => sandbox.exec(asked)));
    assert.equal((await shell(first, 'cat effects')).out, 'effect\n');
    assert.equal(bubblewrapsOf(first.ref.id), BUBBLEWRAPS_EACH);
    await Promise.all(providers.map((provider) => provider.close()));
  });
});
