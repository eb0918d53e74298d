import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { EXEC_MARK } from '../../../../server/sandbox/supervisor/processes.ts';
import { createToolBench } from '../../../fakes/tool-bench.ts';

describe('the bench of the tools', () => {
  it('ends its own commands only: it sees those of every sandbox on this machine', async () => {
    const env = { ...process.env, [EXEC_MARK]: 'another-turn:m1c1' };
    const other = spawn('sleep', ['1000'], { detached: true, env });
    await once(other, 'spawn');
    const bench = await createToolBench([]);
    await bench.close();
    assert.deepEqual([other.exitCode, other.signalCode], [null, null]);
    other.kill();
    assert.deepEqual(await once(other, 'exit'), [null, 'SIGTERM']);
  });
});
