import assert from 'node:assert/strict';
import { createChecks } from '../../../server/aftermath/checks.ts';
import { emptyTask } from '../../../server/protocol/reduce.ts';
import type { TaskState, Turn } from '../../../server/protocol/task.ts';
import { type Verdict, verdict } from '../../../server/unattended/ready.ts';
import { printingSandbox } from '../environment/fake-sandbox.ts';

const [BASE, AGENTS, PERSONS] = ['0', '1', '2'].map((digit) => digit.repeat(40)) as [string, string, string];
const CONFIG = JSON.stringify({ checks: [{ name: 'tests', command: 'true' }] });
const turn = { taskId: 't', turnId: 'a' };

/** The person has edited the proposal since the agent was done. */
const EDITED: TaskState = {
  ...emptyTask('t'),
  proposal: { revision: 2, baseTree: BASE, headTree: PERSONS, files: [] },
  workspaceTree: AGENTS,
};

const checksOf = (state: TaskState) =>
  createChecks({
    workspaces: {
      sandboxOf: async () => printingSandbox({ chunks: [{ name: 'stdout', data: Buffer.from(CONFIG) }] }),
    },
    store: {
      get: async () => ({
        taskId: 't',
        spec: { source: { commit: BASE, overlay: [] } },
        activeTurn: null,
        sandbox: null,
        prepared: null,
        archived: false,
        owner: 'sam',
        host: null,
      }),
    },
    states: { current: async () => state },
    log: {
      append: async () => ({ seq: 1, hasMessages: false }),
      find: async () => ({ type: 'turn.ended', seq: 1, at: 1, turnId: 'a', outcome: 'completed', usage: {} }),
    },
    notices: { subscribe: () => () => {}, close: async () => {} },
  });

describe('what checks are run on', () => {
  it('is what the agent left, which its machine holds, and not what the person made of that', async () => {
    const plan = await checksOf(EDITED).plan(turn);
    assert.deepEqual([plan?.headTree, plan?.checks.map(({ name }) => name)], [AGENTS, ['tests']]);
  });

  it('is nothing where the person went back: the machine holds nobody’s work', async () => {
    assert.equal(await checksOf({ ...EDITED, isWorkspacePast: true }).plan(turn), undefined);
  });

  it('is what may be opened unattended, and nothing else', async () => {
    const passed: Turn['checks'] = [
      { name: 'tests', command: 'true', tree: AGENTS, outcome: 'passed', startedAt: 1 },
    ];
    const ended: Turn = { turnId: 'a', startedAt: 0, items: [], checks: passed };
    const of = (accepted: string): Promise<Verdict> =>
      verdict(
        async () => CONFIG,
        { ...EDITED, workspaceTree: accepted },
        { turn: ended, baseTree: BASE, accepted },
      );
    assert.deepEqual(await of(AGENTS), { isReady: true, checks: ['tests'] });
    assert.deepEqual(await of(PERSONS), { isReady: false, why: 'the checks have run on something else' });
  });
});
