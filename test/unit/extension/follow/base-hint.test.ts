import assert from 'node:assert/strict';
import { createBaseHint } from '../../../../extension/follow/base-hint.ts';
import type { BaseStanding } from '../../../../server/protocol/update.ts';

describe('the hint that a base has moved on', () => {
  it('is given once of each newer commit, and forgotten when the task is on it', async () => {
    const [first, second, third] = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40)];
    const on = (baseCommit: string, latestCommit: string): BaseStanding => ({
      ...{ branch: 'main', baseCommit, latestCommit, isBehind: baseCommit !== latestCommit },
    });
    let standing: () => BaseStanding = () => on(first, first);
    const told: string[] = [];
    const logged: string[] = [];
    const hint = createBaseHint({
      standing: async () => standing(),
      tell: (taskId, { latestCommit }) => told.push(`${taskId} ${latestCommit}`),
      log: { debug: (message) => logged.push(message) },
    });
    await hint.look('t');
    assert.equal(hint.newer('t', first), undefined);
    standing = () => on(first, second);
    await hint.look('t');
    await hint.look('t');
    assert.deepEqual(
      [told, hint.newer('t', first), hint.newer('t', second)],
      [[`t ${second}`], second, undefined],
    );
    standing = () => on(first, third);
    await hint.look('t');
    assert.deepEqual(told, [`t ${second}`, `t ${third}`]);
    standing = () => assert.fail('uploaded');
    await hint.look('t');
    assert.deepEqual([told.length, logged], [2, ['whether the base moved: uploaded']]);
  });
});
