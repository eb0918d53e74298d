import assert from 'node:assert/strict';
import { toMend } from '../../../server/aftermath/mending.ts';
import { emptyTask } from '../../../server/protocol/reduce.ts';
import type { Check, Turn } from '../../../server/protocol/task.ts';

const failed: Check = { name: 'tests', command: 'npm test', outcome: 'failed', startedAt: 2 };
const passed: Check = { name: 'lint', command: 'npm run lint', outcome: 'passed', startedAt: 2 };
const ended: Turn = {
  turnId: 'a',
  startedAt: 1,
  outcome: 'completed',
  items: [],
  checks: [passed, failed],
};

describe('what the agent is told of checks', () => {
  for (const [what, turn, told] of [
    ['those that failed', ended, [failed]],
    ['those that failed, once a plan was approved', { ...ended, mode: 'act' }, [failed]],
    ['nothing, where a plan was asked for and nothing may change', { ...ended, mode: 'plan' }, []],
    ['nothing, where the turn was stopped', { ...ended, outcome: 'stopped' }, []],
    ['nothing, where another turn has come', { ...ended, turnId: 'b' }, []],
  ] as const satisfies [string, Turn, Check[]][]) {
    it(`is ${what}`, () => assert.deepEqual(toMend({ ...emptyTask('t'), turns: [turn] }, 'a', []), told));
  }
});
