import assert from 'node:assert/strict';
import { addition, concerns, endOf, refusal } from '../../../server/hooks/hooks.ts';
import { HookConfig } from '../../../server/protocol/repository-config.ts';
import type { BoundedOutput, ExecResult } from '../../../server/sandbox/sandbox.ts';

const hook = (on: HookConfig['on'], tools?: string[]): HookConfig =>
  HookConfig.parse({ name: 'guard', on, command: 'x', timeoutMs: 5000, ...(tools ? { tools } : {}) });

const output = (text: string, tail = '', omittedBytes = 0): BoundedOutput => ({
  head: Buffer.from(text),
  tail: Buffer.from(tail),
  omittedBytes,
});
const ended = (how: Partial<ExecResult>): ExecResult => ({
  exitCode: 0,
  reason: 'exit',
  stdout: output('out\n'),
  stderr: output('err\n'),
  durationMs: 1,
  ...how,
});

describe('a hook', () => {
  it('concerns the tools that it names, by their names or how those begin, and all where it names none', () => {
    const asked = [undefined, [], ['bash'], ['mcp__*'], ['*'], ['bas']];
    assert.deepEqual(
      asked.map((tools) =>
        ['bash', 'mcp__a__b'].filter((name) => concerns(hook('before_tool', tools), name)),
      ),
      [['bash', 'mcp__a__b'], [], ['bash'], ['mcp__a__b'], ['bash', 'mcp__a__b'], []],
    );
  });

  it('refuses a call by 2, before it, and by nothing else that it does', () => {
    const refused = ended({ exitCode: 2 });
    assert.deepEqual(
      [
        endOf(hook('before_tool'), ended({})),
        endOf(hook('before_tool'), refused),
        endOf(hook('after_tool'), refused),
        endOf(hook('turn_end'), refused),
        endOf(hook('before_tool'), ended({ exitCode: 1, stdout: output('') })),
        endOf(hook('before_tool'), ended({ exitCode: null })),
        endOf(hook('before_tool'), ended({ exitCode: null, reason: 'timeout', stderr: output('') })),
        endOf(hook('before_tool'), ended({ exitCode: null, reason: 'lost' })),
        endOf(hook('after_tool'), ended({ exitCode: null, reason: 'cancelled' })),
      ],
      [
        { outcome: 'passed', output: 'out' },
        { outcome: 'blocked', output: 'out\nerr' },
        { outcome: 'failed', output: 'out\nerr\n[exit code 2]' },
        { outcome: 'failed', output: 'out\nerr\n[exit code 2]' },
        { outcome: 'failed', output: 'err\n[exit code 1]' },
        { outcome: 'failed', output: 'out\nerr\n[ended by a signal]' },
        { outcome: 'failed', output: 'out\n[stopped after 5000 ms]' },
        { outcome: 'failed', output: 'out\nerr\n[the sandbox was lost while this ran]' },
        { outcome: 'failed', output: 'out\nerr\n[stopped]' },
      ],
    );
  });

  it('refuses a call where something else ended it, for nobody knows what it would have said', () => {
    assert.deepEqual(endOf(hook('before_tool'), ended({ exitCode: null, reason: 'cancelled' })), {
      outcome: 'blocked',
      output: '[it was ended before it could say anything. Make the call again.]',
    });
  });

  it('says that it said more', () => {
    assert.equal(
      endOf(hook('after_tool'), ended({ stdout: output('begin', 'end\n', 7) })).output,
      'begin\n[7 bytes left out here]\nend',
    );
  });

  it('speaks to the model by its name', () => {
    assert.deepEqual(
      [
        refusal(hook('before_tool'), 'No.'),
        refusal(hook('before_tool'), ''),
        addition(hook('after_tool'), 'a'),
      ],
      [
        "The repository's hook guard refuses this call, and it was not made. It says:\nNo.",
        "The repository's hook guard refuses this call, and it was not made.",
        '\n[hook guard]\na',
      ],
    );
  });
});
