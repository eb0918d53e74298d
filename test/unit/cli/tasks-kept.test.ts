import assert from 'node:assert/strict';
import { CliError, UsageError } from '../../../server/cli/command.ts';
import { keptOfTask } from '../../../server/cli/commands/tasks-kept.ts';
import type { AgentCard } from '../../../server/protocol/agents.ts';
import type { BroughtIn } from '../../../server/protocol/kept-work.ts';
import { emptyTask } from '../../../server/protocol/reduce.ts';
import type { Item, TaskState } from '../../../server/protocol/task.ts';
import { recordTerminal } from './terminal.ts';

const tree = (digit: string): string => digit.repeat(40);

/** An executor's call; `merged`: its work came home, or was left out. */
function executor(callId: string, more: Partial<AgentCard> = {}): Item {
  const agent: AgentCard = {
    ...{ agentId: callId, parentId: 'turn', role: 'executor', kind: 'executor', description: `Do ${callId}` },
    ...{ depth: 1, model: 'm', startedAt: 1, deadlineAt: 2, budget: { modelCalls: 1 }, modelCalls: 1 },
    ...{ tokens: 1, lastAt: 1, facts: [] },
    result: {
      ...{ kind: 'executor', summary: '', checks: [], changed: ['a.ts'], changedCount: 3 },
      ...{ treeBefore: tree('1'), treeAfter: tree('2') },
    },
    ...more,
  };
  return {
    kind: 'tool',
    callId,
    name: 'task',
    input: {},
    isError: true,
    output: '',
    at: 1,
    agent,
  } as unknown as Item;
}

const merged = { changed: ['a.ts'], conflicts: [], isDiscarded: false };
const ITEMS = [
  executor('one', { outcome: 'completed', merged }),
  executor('two', { outcome: 'failed', error: { code: 'disk_full', message: 'The disk\u001b is full.' } }),
  executor('three', { outcome: 'stopped', merged: { ...merged, isDiscarded: true } }),
];

function relay(items: Item[], answer: Partial<BroughtIn> = {}) {
  const asked: string[] = [];
  const turn = { turnId: 'turn', status: 'completed', items } as unknown as TaskState['turns'][number];
  const client = {
    getTask: async (taskId: string): Promise<TaskState> => ({ ...emptyTask(taskId), turns: [turn] }),
    async bringIn(_taskId: string, agentId: string): Promise<BroughtIn> {
      asked.push(agentId);
      return { changed: true, revision: 4, headTree: tree('3'), conflicts: [], seq: 9, ...answer };
    },
  };
  const say = async (rest: string[], json = false) => {
    const terminal = recordTerminal();
    const code = await keptOfTask(async () => client, rest, { json }, terminal);
    return { code, ...terminal.written, asked };
  };
  return say;
}

describe('what is kept of agents’ work, in a terminal', () => {
  it('is what neither came home nor was left out, of which a part is named', async () => {
    assert.deepEqual(await relay(ITEMS)(['t']), {
      ...{ code: 0, err: '', asked: [] },
      out: '1  Do two: The disk is full.\n     a.ts\n     and 2 more\n\nBring one into the review with: npm start -- tasks kept t NUMBER\n',
    });
    assert.deepEqual(await relay([])(['t']), {
      ...{ code: 0, err: '', asked: [] },
      out: 'Nothing is kept: what agents made is in the proposal, or was left out.\n',
    });
  });

  it('is brought in by its number', async () => {
    assert.deepEqual(await relay(ITEMS)(['t', '1']), {
      ...{ code: 0, out: '', asked: ['two'] },
      err: 'It is in revision 4 of the proposal; see npm start -- tasks review t\n',
    });
    assert.deepEqual(await relay(ITEMS, { changed: false })(['t', '1']), {
      ...{ code: 0, out: '', asked: ['two'] },
      err: 'The proposal has all of it already.\n',
    });
    const answer = { changed: true, revision: 4, headTree: tree('3'), conflicts: ['a.ts'], seq: 9 };
    assert.deepEqual(await relay(ITEMS, answer)(['t', '1'], true), {
      ...{ code: 1, out: `${JSON.stringify(answer)}\n`, err: '', asked: ['two'] },
    });
  });

  it('refuses numbers that there are none of', async () => {
    for (const number of ['0', '2', 'two', '1e0', ''])
      await assert.rejects(relay(ITEMS)(['t', number]), CliError, number);
    await assert.rejects(relay(ITEMS)([]), UsageError);
    await assert.rejects(relay(ITEMS)(['t', '1', '2']), UsageError);
  });
});
