import assert from 'node:assert/strict';
import { createPullRequestWatch, isFollowed } from '../../../../extension/follow/watch.ts';
import { emptyTask } from '../../../../server/protocol/reduce.ts';
import type { TaskState } from '../../../../server/protocol/task.ts';

const oid = '1'.repeat(40);
const pullRequest = { url: 'https://github.com/o/r/pull/1', number: 1, reused: false };
const status = {
  ...{ number: 1, url: pullRequest.url, isDraft: true, headCommit: oid },
  ...{ checks: [], comments: [] },
};

function task(change: Partial<TaskState> = {}): TaskState {
  return {
    ...emptyTask('t'),
    status: 'completed',
    publish: { publishId: 'p', stage: 'opened', branch: 'b', acceptedTree: oid, pullRequest },
    ...change,
  };
}

describe('the watch over an open pull request', () => {
  it('follows what can still change', () => {
    const { publish: _none, ...unpublished } = task();
    assert.deepEqual(
      [
        task(),
        task({ pullRequest: { ...status, state: 'open' } }),
        task({ pullRequest: { ...status, state: 'merged' } }),
        task({ pullRequest: { ...status, state: 'closed' } }),
        task({ status: 'archived' }),
        unpublished,
      ].map(isFollowed),
      [true, true, false, false, false, false],
    );
  });

  it('looks once a minute, sooner when the person comes back, one look at a time, and at once for another account', async () => {
    let now = 1_000_000;
    let shown: TaskState | undefined = task();
    let looks = 0;
    let ended = Promise.withResolvers<void>();
    const watch = createPullRequestWatch({
      shown: () => shown,
      refresh: () => {
        looks += 1;
        return ended.promise;
      },
      now: () => now,
    });
    const first = watch.look();
    void watch.look(true);
    ended.resolve();
    await first;
    assert.equal(looks, 1);
    ended = Promise.withResolvers<void>();
    ended.resolve();
    const later = async (ms: number, isBack = false) => {
      now += ms;
      await watch.look(isBack);
      return looks;
    };
    assert.deepEqual(
      [await later(9_000, true), await later(2_000, true), await later(59_000), await later(2_000)],
      [1, 2, 2, 3],
    );
    watch.forget();
    assert.equal(await later(0), 4);
    shown = undefined;
    assert.equal(await later(120_000), 4);
  });
});
