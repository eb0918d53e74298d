import assert from 'node:assert/strict';
import { createLocalProvider } from '../../../server/sandbox/local/provider.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { config, openStage, type Stage, says } from './stage.ts';

describe('the setup of a machine', function () {
  this.timeout(60_000);
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.close());

  const told = (taskId: string) =>
    stage.told
      .filter((one) => one.taskId === taskId)
      .map(({ event }) => {
        if (event.type === 'setup.started') return [event.type, event.command];
        if (event.type === 'setup.finished') return [event.type, event.outcome, event.output];
        return [event.type, event.text];
      });
  /** What each setup here leaves of its having run. */
  const RUNS = 'echo ran >> ~/runs';
  const runs = async (sandbox: Sandbox): Promise<number> =>
    Number(await says(sandbox, 'cat ~/runs 2>/dev/null | wc -l'));

  it('costs a repository that has none nothing: no command, no query but for its task, no other sandbox', async () => {
    const taskId = await stage.task({ 'package-lock.json': '{}' });
    const environment = stage.environment();
    const looks = stage.looks();
    assert.deepEqual(await environment.spec(taskId), { taskId, network: { mode: 'none' } });
    const silent = new Proxy({} as Sandbox, {
      // Whatever is awaited is asked whether it is a promise.
      get: (_, name) => name !== 'then' && assert.fail(`${String(name)} of the sandbox was used`),
    });
    assert.deepEqual(await stage.ready(taskId, silent, environment), []);
    assert.equal(await environment.dress(taskId, silent), silent);
    assert.deepEqual([stage.looks() - looks, environment.services(taskId), told(taskId)], [1, [], []]);
  });

  it('is run once, in the workspace, by what the repository says; what is ignored stays', async () => {
    const taskId = await stage.task({
      ...config({ env: { WHO: 'Ada' } }),
      '.handoff/setup.sh': `${RUNS}\nmkdir -p ignored && echo "made by $WHO" > ignored/it\npwd; echo careful >&2`,
    });
    const { bare, notes } = await stage.start(taskId);
    assert.deepEqual(told(taskId), [
      ['setup.started', '.handoff/setup.sh'],
      ['setup.finished', 'passed', '/workspace\ncareful'],
    ]);
    assert.equal(await says(bare, 'cat ignored/it'), 'made by Ada');
    assert.deepEqual(notes, []);
    await stage.ready(taskId, bare);
    await stage.ready(taskId, bare, stage.environment());
    assert.deepEqual([await runs(bare), told(taskId).length], [1, 2]);
  });

  it('leaves nothing that would be taken for the agent’s work', async () => {
    const taskId = await stage.task({
      ...config({
        setup: { command: 'echo x > new; rm first.txt; echo y >> kept; mkdir ignored; chmod +x kept' },
      }),
      kept: 'as it was\n',
    });
    const { bare, changed } = await stage.start(taskId);
    assert.equal(
      await says(bare, 'cat kept; ls; git status --porcelain'),
      'as it was\nfirst.txt\nignored\nkept',
    );
    assert.equal(await changed(), false);
  });

  it('leaves nothing running that could write later', async () => {
    const command =
      '(while :; do echo x >> late; sleep 0.02; done) & disown; (setsid sleep 1000 &) ; echo begun';
    const { bare, changed } = await stage.start(await stage.task(config({ setup: { command } })));
    assert.equal(
      await says(bare, 'ls late; pgrep -c sleep'),
      "0\nls: cannot access 'late': No such file or directory",
    );
    assert.equal(await changed(), false);
  });

  it('that fails does not fail the task: the person and the agent are told, and it is not tried again', async () => {
    const taskId = await stage.task(config({ setup: { command: `${RUNS}; echo no compiler; exit 3` } }));
    const { bare, notes } = await stage.start(taskId);
    const output = 'no compiler\n[exit code 3]';
    assert.deepEqual(told(taskId)[1], ['setup.finished', 'failed', output]);
    assert.deepEqual(notes, [
      `The repository's setup failed; do not rely on what it would have installed. It ended with:\n${output}`,
    ]);
    assert.deepEqual([await stage.ready(taskId, bare), await runs(bare)], [notes, 1]);
  });

  it('that takes too long is stopped, with all that it started', async () => {
    const command = 'echo begun; sleep 1000 & sleep 1000';
    const taskId = await stage.task(config({ setup: { command, timeoutMs: 1500 } }));
    const { bare } = await stage.start(taskId);
    assert.deepEqual(told(taskId)[1], ['setup.finished', 'failed', 'begun\n[stopped: setup has 1500 ms]']);
    assert.equal(await says(bare, 'pgrep -c sleep'), '0');
  });

  it('is what the repository had when the task began, whatever is in the machine', async () => {
    const taskId = await stage.task({ '.handoff/setup.sh': 'echo from the base' });
    const bare = await stage.machine(taskId);
    await says(bare, 'echo "echo from the sandbox" > .handoff/setup.sh');
    await stage.ready(taskId, bare);
    assert.deepEqual(told(taskId)[1], ['setup.finished', 'passed', 'from the base']);
  });

  it('runs a devcontainer’s commands: stages in order, those of one side by side', async () => {
    const wait = (mine: string, other: string) =>
      `touch ~/${mine}; until [ -e ~/${other} ]; do sleep 0.02; done; echo ${mine}`;
    const taskId = await stage.task({
      '.devcontainer/devcontainer.json': JSON.stringify({
        postCreateCommand: { a: wait('a', 'b'), b: wait('b', 'a') },
        onCreateCommand: ['printf', '%s\n', 'first; $HOME'],
      }),
    });
    await stage.start(taskId);
    assert.deepEqual(told(taskId)[1], ['setup.finished', 'passed', 'first; $HOME\na\nb']);
  });

  it('is not run again where the owner’s settings changed: by then somebody works there', async () => {
    const taskId = await stage.task(config({ setup: { command: RUNS } }));
    const { bare, changed } = await stage.start(taskId);
    await says(bare, 'echo work > work');
    const { platform } = stage.allowed;
    stage.allowed.platform = 'another';
    const environment = stage.environment();
    await stage.ready(taskId, bare, environment);
    stage.allowed.platform = platform;
    assert.deepEqual([await runs(bare), await changed()], [1, true]);
  });

  it('is not run in a machine that is made from one in which it was done, and that is told', async () => {
    const files = {
      ...config({ setup: { command: `${RUNS}; echo of the first` } }),
      'package-lock.json': '{}',
    };
    const first = await stage.start(await stage.task(files));
    const { provider } = stage.fixture;
    const snapshot = await provider.snapshot(first.bare.ref, 'set-up');
    try {
      const taskId = await stage.task(files);
      const bare = await provider.create({ ...(await stage.environment().spec(taskId)), from: snapshot });
      await stage.ready(taskId, bare);
      assert.deepEqual(told(taskId), [['setup.finished', 'cached', 'of the first']]);
      assert.equal(await runs(bare), 1);
    } finally {
      await provider.deleteSnapshot(snapshot);
    }
  });

  it('that another relay began, which died, is attached to', async () => {
    const gate = 'until [ -e ~/gate ]; do sleep 0.02; done';
    const taskId = await stage.task(config({ setup: { command: `${RUNS}; ${gate}; echo done` } }));
    const bare = await stage.machine(taskId);
    const begun = stage.ready(taskId, bare);
    const { dataDir, supervisorPath } = stage.fixture;
    const second = createLocalProvider({ dataDir, supervisorPath });
    try {
      while ((await runs(bare)) === 0);
      const goesOn = stage.ready(taskId, await second.resume(bare.ref), stage.environment());
      await says(bare, 'touch ~/gate');
      await Promise.all([begun, goesOn]);
      assert.equal(await runs(bare), 1);
      assert.deepEqual(told(taskId)[1], ['setup.finished', 'passed', 'done']);
    } finally {
      await second.close();
    }
  });

  it('that the person stopped is begun again with the next message', async () => {
    const taskId = await stage.task(config({ setup: { command: `${RUNS}; [ -e ~/gate ] || sleep 1000` } }));
    const bare = await stage.machine(taskId);
    const stopped = new AbortController();
    const first = stage.ready(taskId, bare, stage.environment(), stopped.signal);
    while ((await runs(bare)) === 0);
    stopped.abort(new Error('stopped by the person'));
    await assert.rejects(first, { message: 'stopped by the person' });
    await says(bare, 'touch ~/gate');
    await stage.ready(taskId, bare);
    assert.equal(await runs(bare), 2);
    assert.deepEqual(told(taskId), [
      ['setup.started', `${RUNS}; [ -e ~/gate ] || sleep 1000`],
      ['setup.finished', 'passed', ''],
    ]);
  });
});
