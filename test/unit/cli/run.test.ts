import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runGit } from '../../../server/cli/git.ts';
import { findRelay } from '../../../server/cli/local-relay.ts';
import { saveModelSettings } from '../../../server/cli/model-settings.ts';
import { TaskEvent } from '../../../server/protocol/events.ts';
import { scenarios } from '../../fakes/model/scenarios.ts';
import type { Scenario } from '../../fakes/model/script.ts';
import { type FakeModel, startFakeModel } from '../../fakes/model/server.ts';
import { createSampleRepo } from '../../fakes/sample.ts';

const CLI = path.resolve(import.meta.dirname, '../../../server/cli/main.ts');
const CHANGED = ' M src/cli.js\n M src/format.js\n?? src/units.js\n?? test/units.test.js\n';

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

describe('delegating from a terminal, with a relay, database and sandbox of its own', function () {
  this.timeout(120_000);
  let folder: string;
  let repository: string;
  let env: { HANDOFF_DATA: string; HANDOFF_PORT: string };
  const models: FakeModel[] = [];
  let repositories = 0;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'handoff-cli-run-'));
    // The database of a relay that root runs belongs to another user, who has to pass through.
    chmodSync(folder, 0o711);
    env = { HANDOFF_DATA: path.join(folder, 'data'), HANDOFF_PORT: '0' };
  });
  beforeEach(async () => {
    repository = path.join(folder, `repository-${++repositories}`);
    await createSampleRepo(repository);
  });
  after(async () => {
    // Sandboxes outlive their relay: one more has to come up and end them.
    await cli('tasks');
    const relay = await findRelay(env);
    const { tasks } = (await relay?.client.listTasks()) ?? { tasks: [] };
    await Promise.all(tasks.map(({ taskId }) => relay?.client.archive(taskId)));
    await cli('relay', '--stop');
    for (const model of models) await model.close();
    // Postgres ends a moment after its relay, and writes until then.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  });

  /** @param onOutput gets what came to stdout and stderr so far */
  async function cliWith(
    args: string[],
    onOutput: (stdout: string, child: ChildProcess, stderr: string) => void = () => {},
  ): Promise<Ended> {
    const outside = Object.entries(process.env).filter(([name]) => !/^(HANDOFF|DAYTONA)_/.test(name));
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: folder,
      env: { ...Object.fromEntries(outside), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onOutput(stdout, child, stderr);
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput(stdout, child, stderr);
    });
    const [code] = await once(child, 'close');
    return { code, stdout, stderr };
  }
  const cli = (...args: string[]) => cliWith(args);

  /** The relay follows its settings while it runs. */
  async function useModel(scenario: Scenario, delayMs = 0): Promise<void> {
    const model = await startFakeModel({ scenario, delayMs });
    models.push(model);
    saveModelSettings(env, {
      HANDOFF_MODEL_BASE_URL: model.url,
      HANDOFF_MODEL: 'scripted',
      HANDOFF_MODEL_API_KEY: model.apiKey,
    });
  }
  const eventsIn = (stdout: string) =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => TaskEvent.parse(JSON.parse(line)));
  const status = async () =>
    new TextDecoder().decode((await runGit(['-C', repository, 'status', '--porcelain', '-uall'])).stdout);

  it('asks for a model before anything else', async () => {
    const { code, stdout, stderr } = await cli('run', 'Add miles', '--repo', repository);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(
      stderr,
      /^Starting the relay \.\.\.\nhandoff: No model is configured\.\nhandoff: Set HANDOFF_MODEL_/,
    );
  });

  it('prints one JSON event a line and applies the changes', async () => {
    await useModel(scenarios.demo);
    const relative = path.relative(folder, repository);
    const { code, stdout, stderr } = await cli('run', 'Add miles', '--repo', relative, '--apply', '--json');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: `Applied to ${repository}.\n` });
    const events = eventsIn(stdout);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
    );
    const last = events.at(-1);
    assert.ok(last?.type === 'turn.ended' && last.outcome === 'completed');
    assert.equal(await status(), CHANGED);
  });

  it('prints the diff, and without --apply leaves the files alone', async () => {
    const { code, stdout, stderr } = await cli('run', 'Add miles', '--repo', repository);
    assert.deepEqual({ code, stderr, status: await status() }, { code: 0, stderr: '', status: '' });
    const applied = await runGit(['-C', repository, 'apply', '-'], { input: stdout });
    assert.deepEqual(
      { exitCode: applied.exitCode, status: await status() },
      { exitCode: 0, status: CHANGED },
    );
  });

  it('merges with what was changed meanwhile, and names what needs the person', async () => {
    let edited = false;
    const ran = await cliWith(['run', 'Add miles', '--repo', repository, '--apply', '--json'], (stdout) => {
      if (edited || !stdout.includes('"tool.started"')) return;
      edited = true;
      appendFileSync(path.join(repository, 'README.md'), '\nmine\n');
      appendFileSync(path.join(repository, 'src/format.js'), '// mine\n'.repeat(30));
      writeFileSync(path.join(repository, 'src/cli.js'), '// all of it is mine\n');
    });
    assert.equal(ran.code, 1);
    assert.match(
      ran.stderr,
      /^! src\/cli\.js: conflict markers: 1\nApplied to .*, but for what is named above\.\n/,
    );
    assert.match(ran.stderr, /All of it stays for review as task \S+\.\n$/);
    assert.equal(await status(), ` M README.md\n${CHANGED}`);
    const text = readFileSync(path.join(repository, 'src/cli.js'), 'utf8');
    assert.match(text, /^<<<<<<< your files\n\/\/ all of it is mine\n=======\n(.|\n)*\n>>>>>>> Handoff\n/);
    assert.equal(
      readFileSync(path.join(repository, 'src/format.js'), 'utf8').match(/\/\/ mine\n/g)?.length,
      30,
    );
  });

  it('says what of the uncommitted work travels, and leaves out what looks like a secret', async () => {
    writeFileSync(path.join(repository, '.env'), 'SECRET=1\n');
    writeFileSync(path.join(repository, 'notes.md'), 'two\n');
    const { code, stderr } = await cli('run', 'Add miles', '--repo', repository);
    assert.deepEqual(
      { code, stderr },
      {
        code: 0,
        stderr: [
          '1 uncommitted file (4 B) of yours travels along:',
          '  untracked  notes.md',
          'Left out, for these look like secrets (--include PATH sends one):',
          '  .env  (environment)',
          '',
        ].join('\n'),
      },
    );
    const unknown = await cli('run', 'Add miles', '--repo', repository, '--include', 'env');
    assert.deepEqual(
      [unknown.code, unknown.stderr.split('\n')[0]],
      [1, 'handoff: --include env is no uncommitted file.'],
    );
  });

  it('reviews hunk by hunk, and applies what was accepted and nothing else', async () => {
    await cli('run', 'Add miles', '--repo', repository);
    const [newest] = JSON.parse((await cli('tasks', '--json')).stdout);
    const tasks = (...args: string[]) => cli('tasks', ...args);
    const early = await tasks('apply', newest.taskId, '--repo', repository);
    assert.deepEqual(
      [early.code, early.stderr.split('\n')[0]],
      [1, 'handoff: Nothing of the task is accepted yet.'],
    );
    const { files } = JSON.parse((await tasks('review', newest.taskId, '--json')).stdout);
    const hash = files.find((file: { path: string }) => file.path === 'src/format.js').hunks[0].hash;
    const decided = await tasks(
      ...['review', newest.taskId, '--accept', `src/format.js:${hash.slice(0, 8)}`],
      ...['--accept', 'src/units.js', '--reject', 'src/cli.js'],
    );
    assert.match(decided.stdout, new RegExp(`  \\[x\\] ${hash.slice(0, 8)}  @@ `));
    assert.match(decided.stdout, /\nsrc\/cli\.js {2}modified .*\n {2}\[-\]/);
    const applied = await tasks('apply', newest.taskId, '--repo', repository);
    assert.deepEqual(applied, { code: 0, stdout: '', stderr: `Applied to ${repository}.\n` });
    assert.equal(await status(), ' M src/format.js\n?? src/units.js\n');
    const again = await tasks('apply', newest.taskId, '--repo', repository, '--json');
    assert.deepEqual(JSON.parse(again.stdout), {
      changed: [],
      same: ['src/format.js', 'src/units.js'],
      conflicts: [],
    });
    const elsewhere = await tasks('apply', newest.taskId, '--repo', folder);
    assert.deepEqual([elsewhere.code, elsewhere.stdout], [1, '']);
  });

  it('stops the task when it is interrupted', async () => {
    await useModel(scenarios.demo, 100);
    let sent = false;
    const { code, stdout, stderr } = await cliWith(
      ['run', 'Add miles', '--repo', repository, '--json'],
      (text, child) => {
        if (!sent && text.includes('"text.delta"')) sent = child.kill('SIGINT');
      },
    );
    const last = eventsIn(stdout).at(-1);
    assert.ok(last?.type === 'turn.ended');
    assert.deepEqual({ code, outcome: last.outcome }, { code: 1, outcome: 'stopped' });
    assert.match(stderr, /Interrupted: stopping the task \.\.\.\nhandoff: .*stopped/);
  });

  it('ends with the reason where the model fails', async () => {
    await useModel(scenarios.failing);
    const { code, stdout, stderr } = await cli('run', 'Add miles', '--repo', repository, '--apply', '--json');
    const last = eventsIn(stdout).at(-1);
    assert.ok(last?.type === 'turn.ended' && last.error);
    assert.deepEqual(
      { code, outcome: last.outcome, error: last.error.code },
      { code: 1, outcome: 'failed', error: 'model_unauthorized' },
    );
    assert.ok(stderr.startsWith(`handoff: ${last.error.message}`), stderr);
    assert.equal(await status(), '');
  });

  it('waits for the answer to a question, which another terminal gives', async () => {
    const asks = {
      question: 'Miles or kilometres?',
      options: [{ label: 'Miles' }, { label: 'Kilometres', description: 'As before.' }],
      freeText: false,
    };
    const said: unknown[] = [];
    await useModel([
      {
        steps: [
          { toolCalls: [{ name: 'ask_user', arguments: asks }] },
          ({ messages }) => {
            said.push(messages.at(-1)?.content);
            return { text: 'As you wish.' };
          },
        ],
      },
    ]);
    let others: Promise<Ended[]> | undefined;
    /** What a person does in another terminal, in this order. */
    const elsewhere = async (taskId: string) => [
      await cli('tasks', taskId),
      await cli('tasks', 'answer', taskId, 'furlongs'),
      await cli('tasks', 'answer', taskId, '2'),
    ];
    const { code, stderr } = await cliWith(
      ['run', 'Add a unit', '--repo', repository],
      (_stdout, _child, text) => {
        const taskId = /tasks answer (\S+) /.exec(text)?.[1];
        if (taskId !== undefined) others ??= elsewhere(taskId);
      },
    );
    const [shown, refused, taken] = (await others) ?? [];
    assert.match(shown?.stdout ?? '', /\n\? Miles or kilometres\?\n {2}1\. Miles\n/);
    assert.deepEqual(
      [refused?.code, refused?.stderr.split('\n')[0], taken],
      [
        1,
        'handoff: "furlongs" is none of the answers.',
        { code: 0, stdout: '', stderr: 'Answered: Kilometres\n' },
      ],
    );
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^\? Miles or kilometres\?\n {2}1\. Miles\n {2}2\. Kilometres: As before\.\nThe task waits for an answer: /,
    );
    assert.match(String(said), /Kilometres/);
  });

  it('goes on with the turn that mends what the repository’s checks found, and prints what that left', async () => {
    const bash = (command: string) => ({ toolCalls: [{ name: 'bash', arguments: { command } }] });
    await useModel([
      {
        steps: [
          bash('echo worse > notes.md'),
          { text: 'Done.' },
          bash('echo better > notes.md'),
          { text: 'Mended.' },
        ],
      },
    ]);
    const checks = [{ name: 'notes', command: 'grep better notes.md' }];
    mkdirSync(path.join(repository, '.handoff'));
    writeFileSync(path.join(repository, '.handoff/config.json'), JSON.stringify({ checks }));
    const { code, stdout } = await cli('run', 'Write notes', '--repo', repository, '--apply', '--json');
    assert.deepEqual(
      eventsIn(stdout).flatMap((event) =>
        event.type === 'turn.ended' || event.type === 'check.finished' ? [event.outcome] : [],
      ),
      ['completed', 'failed', 'completed', 'passed'],
    );
    assert.equal(code, 0);
    assert.equal(readFileSync(path.join(repository, 'notes.md'), 'utf8'), 'better\n');
  });

  it('says what is no repository', async () => {
    const { code, stderr } = await cli('run', 'Add miles', '--repo', folder);
    assert.equal(code, 1);
    assert.match(stderr, /cannot be used as a Git repository/);
  });

  it('lists the tasks, newest first', async () => {
    const { code, stdout } = await cli('tasks');
    assert.equal(code, 0);
    const statuses = stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(/\s+/)[1]);
    assert.deepEqual(statuses, [
      ...['completed', 'completed', 'failed', 'stopped'],
      ...['completed', 'completed', 'completed', 'completed', 'completed'],
    ]);
  });

  it('says that a relay runs already, and stops it', async () => {
    const second = await cli('relay');
    assert.match(second.stdout, /^relay ready http:\/\/127\.0\.0\.1:\d+\n$/);
    assert.deepEqual(
      { code: second.code, stderr: second.stderr },
      { code: 0, stderr: 'It was running already; stop it with `npm start -- relay --stop`.\n' },
    );
    const url = second.stdout.trim().replace('relay ready ', '');
    assert.deepEqual(await cli('relay', '--stop'), {
      code: 0,
      stdout: '',
      stderr: `The relay at ${url} has stopped.\n`,
    });
    assert.deepEqual(await cli('relay', '--stop'), {
      code: 0,
      stdout: '',
      stderr: 'No relay runs on this data folder.\n',
    });
  });
});
