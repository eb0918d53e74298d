import assert from 'node:assert/strict';
import { main } from '../../../server/cli/main.ts';
import { recordTerminal } from './terminal.ts';

describe('the command line', () => {
  const say = async (...args: string[]) => {
    const terminal = recordTerminal();
    const code = await main(args, terminal);
    return { code, ...terminal.written };
  };

  it('says its version', async () => {
    assert.deepEqual(await say('--version'), { code: 0, out: '0.1.0\n', err: '' });
  });

  it('explains itself, also where a command is named', async () => {
    const [plain, ofCommand] = [await say('--help'), await say('run', '--help')];
    assert.deepEqual(ofCommand, plain);
    assert.equal(plain.code, 0);
    for (const command of ['relay', 'run', 'tasks', 'doctor', '--demo'])
      assert.ok(plain.out.includes(command));
  });

  const wrong: [args: string[], message: string][] = [
    [
      ['frobnicate'],
      'there is no command "frobnicate"; there are start, relay, run, tasks, secrets, usage, doctor',
    ],
    [['toString'], 'there is no command "toString"'],
    [['run'], 'run needs the task in words'],
    [['run', '  '], 'run needs the task in words'],
    [['run', 'fix', 'it'], 'put the prompt into quotes; "it" came after it'],
    [['run', 'fix', '--frob'], "Unknown option '--frob'"],
    [['run', 'fix', '--repo', '/does/not/exist'], '--repo /does/not/exist is not a folder'],
    [['run', 'fix', '--timeout', 'soon'], '--timeout needs a number of seconds above 0, not "soon"'],
    [['run', 'fix', '--timeout', '0'], '--timeout needs a number of seconds above 0, not "0"'],
    [['tasks', 'a', 'b'], 'tasks shows one task at a time'],
    [['tasks', 'a', '--force'], '--force belongs to tasks export'],
    [['tasks', 'answer', 'a'], 'tasks answer needs the task and the answer'],
    [['tasks', 'answer', 'a', 'in', 'words'], 'put the answer into quotes; "words" came after it'],
    [['tasks', 'answer', 'a', '1', '--json'], 'tasks answer has no --json'],
    [['tasks', 'export', 'a'], 'tasks export needs the task and one file'],
    [['tasks', 'import'], 'tasks import needs one file'],
    [['tasks', 'trace'], 'tasks trace needs one task'],
    [['start', 'now'], 'start takes options only, not "now"'],
  ];
  for (const [args, message] of wrong) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, out, err } = await say(...args);
      assert.deepEqual({ code, out }, { code: 2, out: '' });
      assert.ok(err.startsWith(`handoff: ${message}`), err);
      assert.ok(err.endsWith('handoff: see npm start -- --help\n'), err);
    });
  }
});
