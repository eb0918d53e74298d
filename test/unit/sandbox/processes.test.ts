import assert from 'node:assert/strict';
import { belonging, isNamedBy, type Proc } from '../../../server/sandbox/supervisor/processes.ts';

const proc = (pid: number, more: Partial<Proc> = {}): Proc => ({
  pid,
  parent: 2,
  group: pid,
  session: pid,
  execId: undefined,
  ...more,
});

describe('the processes of a command', () => {
  const pids = (all: Proc[], leaders: number[] = []): number[] =>
    belonging(all, (execId) => execId.startsWith('mine'), leaders)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b);

  it('are those with its mark, and nobody else', () => {
    assert.deepEqual(pids([proc(10, { execId: 'mine:1' }), proc(11, { execId: 'other' }), proc(12)]), [10]);
  });
  it('are those in the sessions of the marked, although they wiped their environment', () => {
    assert.deepEqual(
      pids([proc(10, { execId: 'mine:1' }), proc(20, { session: 10, parent: 1 }), proc(30)]),
      [10, 20],
    );
  });
  it('are all descendants, although they left the session', () => {
    const all = [
      proc(10, { execId: 'mine:1' }),
      proc(30, { parent: 20 }),
      proc(20, { parent: 10 }),
      proc(40),
    ];
    assert.deepEqual(pids(all), [10, 20, 30]);
  });
  it('are those of its first process, whatever that did to its environment', () => {
    assert.deepEqual(
      pids([proc(10), proc(20, { session: 10 }), proc(30, { parent: 20 }), proc(40)], [10]),
      [10, 20, 30],
    );
  });
});

describe('the commands that a prefix names', () => {
  it('are those whose ids begin with it, numbers being whole', () => {
    const ids = ['t:m1c1', 't:m1c1:hook:0', 't:m1c10', 't:m1c12:hook:0', 't:m2c1', 't:check:0'];
    const named = (prefix: string): string[] => ids.filter((execId) => isNamedBy(prefix, execId));
    assert.deepEqual(
      [named('t:m1c1'), named('t:m1c1:'), named('t:m'), named('')],
      [['t:m1c1', 't:m1c1:hook:0'], ['t:m1c1:hook:0'], ids.slice(0, 5), ids],
    );
  });
});
