import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scenario, ToolCall } from '../../fakes/model/script.ts';
import { delegateWith, results } from '../turn/own-source.ts';
import type { Watch } from '../turn/watch.ts';
import { openWorkshop, type Workshop } from '../turn/workshop.ts';

const call = (name: string, input: Record<string, unknown>): ToolCall => ({ name, arguments: input });
const play = (...steps: ToolCall[][]): Scenario => [
  { steps: [...steps.map((toolCalls) => ({ toolCalls })), { text: 'Done.' }] },
];
const told = ({ events }: Watch) =>
  events.flatMap((event) =>
    event.type === 'hook.ran' ? [[event.name, event.callId !== undefined, event.outcome, event.output]] : [],
  );

describe('hooks of a repository', function () {
  this.timeout(120_000);
  let workshop: Workshop;
  afterEach(() => workshop.close());

  const files = (hooks: object[]): Record<string, string> => ({
    '.handoff/config.json': JSON.stringify({ hooks }),
  });
  const inWorkspace = async (path: string): Promise<string> =>
    readFile(join(await workshop.workspace(), path), 'utf8');

  it('refuse calls, add to results, and run when the turn ends; a broken one stops nobody', async () => {
    workshop = await openWorkshop(
      play(
        [call('bash', { command: 'echo forbidden > made' })],
        [call('bash', { command: 'echo allowed > made' })],
        [call('write', { path: 'a.txt', content: 'a\n' })],
        [call('glob', { pattern: '*.none' })],
      ),
    );
    const { watch } = await delegateWith(
      workshop,
      files([
        {
          name: 'guard',
          on: 'before_tool',
          tools: ['ba*'],
          command: 'if grep -q forbidden; then echo "Not that one." >&2; exit 2; fi',
        },
        { name: 'broken', on: 'before_tool', tools: ['glob'], command: 'echo oops; exit 1' },
        { name: 'slow', on: 'before_tool', tools: ['glob'], command: 'sleep 1000', timeoutMs: 50 },
        {
          name: 'lint',
          on: 'after_tool',
          tools: ['write', 'glob'],
          command:
            'cat >> told.jsonl; grep -q \'"name":"write"\' told.jsonl && [ ! -e linted ] && touch linted && echo "a.txt: no header"; true',
        },
        { name: 'count', on: 'turn_end', command: 'cat > end.json; ls | wc -l > /dev/null; echo counted' },
        { name: 'report', on: 'turn_end', command: 'exit 4' },
      ]),
    );
    const end = await watch.until('turn.ended');
    assert.deepEqual(results(watch), [
      [
        'bash',
        "The repository's hook guard refuses this call, and it was not made. It says:\nNot that one.",
        true,
      ],
      ['bash', '[no output, exit code 0]', false],
      ['write', 'Wrote a.txt: 1 lines, 2 bytes.\n[hook lint]\na.txt: no header', false],
      ['glob', 'No file matches *.none.', false],
    ]);
    assert.deepEqual(told(watch), [
      ['guard', true, 'blocked', 'Not that one.'],
      ['broken', true, 'failed', 'oops\n[exit code 1]'],
      ['slow', true, 'failed', '[stopped after 50 ms]'],
      ['count', false, 'passed', 'counted'],
      ['report', false, 'failed', '[exit code 4]'],
    ]);
    assert.equal(end.outcome, 'completed');
    assert.equal(await inWorkspace('made'), 'allowed\n');
    const writing = watch.events.find((event) => event.type === 'tool.started' && event.name === 'write');
    const lines = (await inWorkspace('told.jsonl')).trim().split(/(?<=\})(?=\{)/);
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      on: 'after_tool',
      callId: writing?.type === 'tool.started' ? writing.callId : '',
      name: 'write',
      input: { path: 'a.txt', content: 'a\n' },
      output: 'Wrote a.txt: 1 lines, 2 bytes.',
      isError: false,
    });
    assert.deepEqual(JSON.parse(await inWorkspace('end.json')), { on: 'turn_end', turnId: end.turnId });
  });

  it('let no turn end well whose last files could not be kept', async () => {
    workshop = await openWorkshop(play([call('glob', { pattern: '*.none' })]));
    const unsound = `printf '[submodule "a"]\\n\\tpath = a\\n\\turl = --upload-pack=x\\n' >.gitmodules`;
    const { watch } = await delegateWith(
      workshop,
      files([{ name: 'spoils', on: 'turn_end', command: unsound }]),
    );
    const { outcome, error } = await watch.until('turn.ended');
    assert.deepEqual(
      { outcome, error },
      {
        outcome: 'failed',
        error: {
          code: 'files_refused',
          message: 'Git refuses a file .gitmodules: disallowed submodule url.',
          nextAction:
            'Mend or remove it, wherever in the workspace it is; until then nothing of the work can be proposed.',
        },
      },
    );
  });

  it('run once, also where the relay is killed in the middle of them', async () => {
    workshop = await openWorkshop(play([call('bash', { command: 'echo ran >> ran' })]));
    const wait = 'until [ -e gate ]; do sleep 0.02; done';
    const { watch } = await delegateWith(
      workshop,
      files([
        { name: 'one', on: 'before_tool', command: `echo before >> hooks; ${wait}` },
        { name: 'two', on: 'after_tool', command: 'echo after >> hooks; echo seen' },
      ]),
    );
    await watch.until('tool.started');
    await workshop.kill();
    await workshop.start();
    await workshop.openGate();
    await watch.until('turn.ended');
    assert.deepEqual(results(watch), [['bash', '[no output, exit code 0]\n[hook two]\nseen', false]]);
    assert.deepEqual([await inWorkspace('hooks'), await inWorkspace('ran')], ['before\nafter\n', 'ran\n']);
  });

  it('let a turn be stopped', async () => {
    workshop = await openWorkshop(play([call('bash', { command: 'echo ran > ran' })]));
    const { taskId, watch } = await delegateWith(
      workshop,
      files([{ name: 'waits', on: 'before_tool', command: 'sleep 1000', timeoutMs: 600_000 }]),
    );
    await watch.until('tool.started');
    await workshop.client.stop(taskId);
    const { outcome } = await watch.until('turn.ended');
    assert.deepEqual(
      [outcome, results(watch)],
      ['stopped', [['bash', '[stopped by the user before this ran]', true]]],
    );
    await assert.rejects(inWorkspace('ran'), { code: 'ENOENT' });
  });
});
