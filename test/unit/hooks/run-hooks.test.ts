import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { NOTHING_BESIDE } from '../../../server/agent/beside.ts';
import { write } from '../../../server/agent/tools/write.ts';
import { HookConfig } from '../../../server/protocol/repository-config.ts';
import { createToolBench } from '../../fakes/tool-bench.ts';

describe('a hook that somebody else ends', function () {
  this.timeout(20_000);

  it('is run again, for it has not said yet whether the call may be made', async () => {
    const guard = HookConfig.parse({
      ...{ name: 'guard', on: 'before_tool', timeoutMs: 15_000 },
      command: '[ ! -e begun ] || { echo no; exit 2; }; touch begun; sleep 1000',
    });
    const bench = await createToolBench([write], { beside: { ...NOTHING_BESIDE, hooks: [guard] } });
    try {
      const begun = Promise.withResolvers<void>();
      const watcher = fs.watch(bench.workspace, () => begun.resolve());
      const called = bench.call('write', { path: 'a.txt', content: 'a' });
      await begun.promise;
      watcher.close();
      await bench.sandbox.killAll('t:1');
      const { output, isError } = await called;
      assert.deepEqual(
        { output, isError },
        {
          output: "The repository's hook guard refuses this call, and it was not made. It says:\nno",
          isError: true,
        },
      );
      assert.equal(fs.existsSync(join(bench.workspace, 'a.txt')), false);
    } finally {
      await bench.close();
    }
  });
});
