import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { readOnlyShell } from '../../../../server/agent/agents/read-only-shell.ts';
import { WorkspaceSpoilt } from '../../../../server/agent/spoilt.ts';
import type { TurnContext } from '../../../../server/agent/turn-context.ts';
import { prepareSource } from '../../../../server/repo/source.ts';
import { createTaskRepo } from '../../../../server/repo/task-repo.ts';
import type { Sandbox } from '../../../../server/sandbox/sandbox.ts';
import { TurnOver } from '../../../../server/tasks/turn-signals.ts';
import { createToolBench, type ToolBench } from '../../../fakes/tool-bench.ts';
import { makeClone, repoDeps, temporaryFolder } from '../../repo/repositories.ts';

const PUT_BACK = (paths: string): string => `[You may only look. What this changed was put back: ${paths}]`;
/** Git refuses to take it in, for who checks it out with its submodules could be made to run something. */
const UNSOUND = `printf '[submodule "a"]\\n\\tpath = a\\n\\turl = --upload-pack=x\\n' >.gitmodules`;

describe('the shell of those who may only look', function () {
  this.timeout(30_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let bench: ToolBench;
  /** What is to happen when the workspace is captured, by the number of the capture from 1 on. */
  let onCapture: (n: number) => void;
  let onExec: (sandbox: Sandbox) => Sandbox;
  let isHeld: boolean;
  let killed: string[];

  beforeEach(async () => {
    folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const taskId = 'task';
    const { commit, url } = makeClone(folder.path, { 'src/a.ts': 'a\n', '.gitignore': 'ignored\n' });
    const prepared = await prepareSource(deps, { taskId, source: { url, commit, overlay: [] } });
    const repo = createTaskRepo({ ...deps, sourcesDir: folder.path });
    let captures = 0;
    onCapture = () => {};
    onExec = (sandbox) => sandbox;
    isHeld = true;
    killed = [];
    const services = {
      taskId,
      turnId: 't',
      claim: { taskId, turnId: 't', epoch: 1, format: 1 },
      repo: {
        ...repo,
        async capture(...args: Parameters<typeof repo.capture>) {
          const found = await repo.capture(...args);
          onCapture(++captures);
          return found;
        },
      },
      states: { current: async () => ({ workspaceTree: prepared.baseTree }) },
      store: { standing: async () => ({ state: isHeld ? 'running' : 'ended', epoch: 1 }) },
      workspaces: { alone: (_sandbox: Sandbox, work: () => Promise<unknown>) => work() },
      logger: { warn: () => {} },
    } as unknown as TurnContext;
    const shell = readOnlyShell(services);
    bench = await createToolBench([
      {
        ...shell,
        run: (input, context) => shell.run(input, { ...context, sandbox: watched(onExec(context.sandbox)) }),
      },
    ]);
    await repo.checkout(taskId, bench.sandbox, undefined, new AbortController().signal);
  });
  afterEach(async () => {
    await bench.close();
    folder[Symbol.dispose]();
  });

  const watched = (sandbox: Sandbox): Sandbox => ({
    ...sandbox,
    killAll(prefix) {
      killed.push(prefix);
      return sandbox.killAll(prefix);
    },
  });
  const files = (): string[] =>
    fs
      .readdirSync(bench.workspace)
      .filter((name) => name !== '.git')
      .sort();
  const source = (): string => bench.content('src/a.ts').toString();
  const look = async (command: string, more: object = {}) => {
    const { output, isError } = await bench.call('bash', { command, ...more });
    return { output, isError };
  };

  it('leaves the workspace as it was, and says what was put back, also of a command that fails', async () => {
    assert.deepEqual(
      [await look('cat src/a.ts'), await look('echo b >src/a.ts; echo new >new.ts; exit 3')],
      [
        { output: 'a', isError: false },
        { output: `[exit code 3]\n${PUT_BACK('new.ts, src/a.ts')}`, isError: true },
      ],
    );
    assert.deepEqual([files(), source()], [['.gitignore', 'first.txt', 'src'], 'a\n']);
  });

  it('has nothing in the background', async () => {
    const refused = await look('echo b >src/a.ts', { background: true });
    assert.deepEqual(refused, {
      output:
        'You may only look: nothing of yours runs in the background. Run it without background, and with a timeoutMs by which it ends.',
      isError: true,
    });
    assert.equal(source(), 'a\n');
  });

  it('ends what a command left running, although it wiped its environment, left its session and lost its parent', async () => {
    const left = join(folder.path, 'pid');
    const leaving = `(env -i setsid bash -c 'ulimit -q 819200; echo $$ >${left}; exec sleep 1000' >/dev/null 2>&1 &); until [ -s ${left} ]; do sleep 0.01; done`;
    assert.deepEqual(await look(leaving), { output: '[no output, exit code 0]', isError: false });
    assert.equal(isAlive(Number(fs.readFileSync(left, 'utf8'))), false);
  });

  it('ends nothing of a call whose number begins with its own', async () => {
    const up = Promise.withResolvers<void>();
    const other = bench.sandbox.exec(
      {
        execId: 't:10:hook:0',
        argv: ['bash', '-c', 'echo up; sleep 1000'],
        timeoutMs: 60_000,
        maxOutputBytes: 100,
      },
      { onOutput: () => up.resolve() },
    );
    await up.promise;
    await look('true');
    assert.deepEqual(killed, ['t:1']);
    await bench.sandbox.killAll('t:10');
    assert.equal((await other).stdout.head.toString(), 'up\n');
  });

  it('puts back what cannot be captured, and says so', async () => {
    assert.deepEqual(await look(`echo b >src/a.ts; ${UNSOUND}`), {
      output:
        '[no output, exit code 0]\n[You may only look. What this changed could not be read, and was put back, all of it: make no such files]',
      isError: false,
    });
    assert.deepEqual([files(), source()], [['.gitignore', 'first.txt', 'src'], 'a\n']);
    const again = await bench.again('t:1');
    assert.match(again.output, /could not be read, and was put back/);
  });

  it('ends the turn where the workspace cannot be put back', async () => {
    onCapture = (n) => {
      if (n > 1) throw new Error('no room');
    };
    await assert.rejects(look('echo b >src/a.ts'), (error) => {
      assert.ok(error instanceof WorkspaceSpoilt);
      assert.deepEqual(
        [error.code, error.message, error.nextAction],
        [
          'internal',
          'An agent that may only look has run a command, and the workspace could not be put back as it was before. Something unexpected failed in the relay.',
          'Look at the changes: what the command wrote may be among them. Send a message to go on.',
        ],
      );
      return true;
    });
    assert.equal(source(), 'a\n', 'it was tried');
  });

  it('runs the command once and puts back what it changed, where the relay died in between', async () => {
    onCapture = (n) => {
      if (n === 2) throw new TurnOver();
    };
    await assert.rejects(look('echo b >src/a.ts; echo x >>ignored'), TurnOver);
    assert.equal(source(), 'b\n');
    const { output, isError } = await bench.again('t:1');
    assert.deepEqual(
      { output, isError },
      { output: `[no output, exit code 0]\n${PUT_BACK('src/a.ts')}`, isError: false },
    );
    assert.equal((await bench.again('t:1')).output, output);
    assert.deepEqual([source(), bench.content('ignored').toString()], ['a\n', 'x\n']);
  });

  it('kills and captures nothing for a relay that slept while another took the turn over', async () => {
    onExec = (sandbox) => ({
      ...sandbox,
      async exec(request, options) {
        const result = await sandbox.exec(request, options);
        if (request.execId === 't:1') isHeld = false;
        return result;
      },
    });
    let captures = 0;
    onCapture = () => {
      captures += 1;
    };
    await assert.rejects(look('echo b >src/a.ts'), TurnOver);
    assert.deepEqual([killed, captures, source()], [[], 1, 'b\n']);
  });
});

/** What has died and was not fetched yet by its parent is dead. */
function isAlive(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
