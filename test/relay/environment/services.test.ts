import assert from 'node:assert/strict';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { config, openStage, type Stage, says } from './stage.ts';

/** A server for `node -e` that says who it is, and notes that it was started. */
const SERVER = (port: number, more = '') =>
  `echo started >> ~/starts-${port}; exec node -e "${more}require('net').createServer((s) => s.end('I am ' + process.env.WHO)).listen(${port}, '127.0.0.1')"`;
const ask = (port: number) => `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`;
const starts = async (sandbox: Sandbox, port: number): Promise<number> =>
  Number(await says(sandbox, `cat ~/starts-${port} 2>/dev/null | wc -l`));

describe('the services of a machine', function () {
  this.timeout(60_000);
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.close());

  const problems = (taskId: string): string[] =>
    stage.told.flatMap((one) =>
      one.taskId === taskId && one.event.type === 'environment.noted' ? [one.event.text] : [],
    );
  const web = { name: 'web', command: SERVER(3000), port: 3000 };

  it('run beside the agent, in its environment, ready when it begins', async () => {
    const environment = stage.environment();
    const taskId = await stage.task(config({ services: [web], env: { WHO: 'web' } }));
    const { sandbox, notes } = await stage.start(taskId, environment);
    assert.equal(await says(sandbox, ask(3000)), 'I am web');
    assert.deepEqual(notes, ['The service web on port 3000 is running.']);
    assert.deepEqual(environment.services(taskId), [
      { name: 'web', state: 'ready', execId: 'service:web:1', port: 3000 },
    ]);
    await sandbox.killAll('turn-1:');
    await stage.ready(taskId, sandbox, environment);
    assert.equal(await says(sandbox, ask(3000)), 'I am web');
    assert.equal(await starts(sandbox, 3000), 1);
    await environment.release(taskId);
    assert.deepEqual(environment.services(taskId), []);
  });

  it('are started one after the other, each once the one before is ready', async () => {
    const slow = 'until [ -e ~/asked ]; do sleep 0.02; done; touch ~/opened; exec sleep 1000';
    const services = [
      { name: 'slow', command: slow, ready: { command: 'touch ~/asked; [ -e ~/opened ]' } },
      { name: 'next', command: 'ls ~ > ~/seen; exec sleep 1000', ready: { command: '[ -e ~/seen ]' } },
    ];
    const taskId = await stage.task(config({ services }));
    const { bare } = await stage.start(taskId);
    assert.equal(await says(bare, 'cat ~/seen'), 'asked\nopened\nseen');
    assert.deepEqual(problems(taskId), []);
  });

  it('are attached to by the relay that goes on after another died, and not started twice', async () => {
    const taskId = await stage.task(config({ services: [web] }));
    const { bare } = await stage.start(taskId);
    const { dataDir, supervisorPath } = stage.fixture;
    const second = createLocalProvider({ dataDir, supervisorPath });
    try {
      const environment = stage.environment();
      await stage.ready(taskId, await second.resume(bare.ref), environment);
      assert.deepEqual(environment.services(taskId), [
        { name: 'web', state: 'ready', execId: 'service:web:1', port: 3000 },
      ]);
      assert.equal(await starts(bare, 3000), 1);
    } finally {
      await second.close();
    }
  });

  it('end with the machine’s sleep, and are started anew when it wakes', async () => {
    const environment = stage.environment();
    const taskId = await stage.task(config({ services: [web] }));
    const { bare } = await stage.start(taskId, environment);
    for (const number of [2, 3]) {
      await stage.fixture.provider.hibernate(bare.ref);
      const resumed = await stage.fixture.provider.resume(bare.ref);
      await stage.ready(taskId, resumed, environment);
      assert.deepEqual(environment.services(taskId), [
        { name: 'web', state: 'ready', execId: `service:web:${number}`, port: 3000 },
      ]);
      assert.equal(await starts(resumed, 3000), number);
    }
    // Another relay finds it where this one left it.
    const other = stage.environment();
    await stage.ready(taskId, await stage.fixture.provider.resume(bare.ref), other);
    assert.equal(other.services(taskId)[0]?.execId, 'service:web:3');
  });

  it('that end by themselves are told of with their last words, and tried again with the next message', async () => {
    const command = 'echo "no such module" >&2; [ -e ~/mended ] && exec sleep 1000; exit 2';
    const environment = stage.environment();
    const taskId = await stage.task(config({ services: [{ name: 'api', command }] }));
    const { bare, notes } = await stage.start(taskId, environment);
    const problem =
      'The service api ended with exit code 2 right after it was started. It printed: no such module';
    assert.deepEqual(problems(taskId), [problem]);
    assert.deepEqual(notes, [`The service api is not running. ${problem}`]);
    await says(bare, 'touch ~/mended');
    assert.deepEqual(await stage.ready(taskId, bare, environment), ['The service api was started.']);
  });

  it('that are not ready in time are told of, and go on', async () => {
    const service = {
      name: 'api',
      command: 'echo up; exec sleep 1000',
      ready: { command: 'false', timeoutMs: 1500 },
    };
    const taskId = await stage.task(config({ services: [service] }));
    const { sandbox, notes } = await stage.start(taskId);
    const problem = 'The service api was not ready within 1500 ms; it goes on, and may become so.';
    assert.deepEqual([problems(taskId), notes], [[problem], [`The service api was started. ${problem}`]]);
    const { data } = await sandbox.readOutput('service:api:1', 'stdout', { offset: 0, length: 100 });
    assert.equal(Buffer.from(data).toString(), 'up\n');
  });

  it('are waited for only as long as the person does not stop', async () => {
    const service = {
      name: 'api',
      command: 'exec sleep 1000',
      port: 3009,
      ready: { port: 3009, timeoutMs: 60_000 },
    };
    const taskId = await stage.task(config({ services: [service] }));
    const bare = await stage.machine(taskId);
    const stopped = new AbortController();
    const waiting = stage.ready(taskId, bare, stage.environment(), stopped.signal);
    while ((await says(bare, 'pgrep -c sleep')) === '0');
    stopped.abort(new Error('stopped by the person'));
    await assert.rejects(waiting, { message: 'stopped by the person' });
  });

  it('whose record somebody spoilt are started all the same', async () => {
    const taskId = await stage.task(config({ services: [web] }));
    const { bare } = await stage.start(taskId);
    await stage.fixture.provider.hibernate(bare.ref);
    const resumed = await stage.fixture.provider.resume(bare.ref);
    await says(resumed, 'head -c 1000000 /dev/zero > /var/handoff/service-web');
    await stage.ready(taskId, resumed, stage.environment());
    assert.equal(await says(resumed, ask(3000)), 'I am undefined');
  });
});
