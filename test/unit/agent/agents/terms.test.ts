import assert from 'node:assert/strict';
import type { Agent } from '../../../../server/agent/agent.ts';
import { leftOf, overBudget } from '../../../../server/agent/agents/budget.ts';
import { AGENT_BUDGETS } from '../../../../server/agent/agents/limits.ts';
import { rolesFor, rolesOf } from '../../../../server/agent/agents/roles.ts';
import { start, termsFor } from '../../../../server/agent/agents/start.ts';
import type { TurnContext } from '../../../../server/agent/turn-context.ts';
import type { AgentBudget, AgentCard } from '../../../../server/protocol/agents.ts';
import type { NewEvent } from '../../../../server/protocol/events.ts';
import type { Item } from '../../../../server/protocol/task.ts';

const NOW = 1_000_000;
const { modelCalls, tokens, seconds } = AGENT_BUDGETS.explorer;

describe('what a subagent is held to', () => {
  it('is what its kind has', () => {
    assert.deepEqual(termsFor({ kind: 'explorer' }, {}, {}, NOW), {
      budget: { modelCalls, tokens },
      deadlineAt: NOW + seconds * 1000,
    });
  });

  it('is less where less is asked for, and never more', () => {
    const limits = { modelCalls: 3, tokens: tokens + 1, seconds: 5 };
    assert.deepEqual(termsFor({ kind: 'explorer' }, { limits }, {}, NOW), {
      budget: { modelCalls: 3, tokens },
      deadlineAt: NOW + 5000,
    });
  });

  it('is no more than half of what is left to its parent, who keeps enough to come to its own end', () => {
    const given = (modelCalls: number, tokens: number) =>
      termsFor({ kind: 'explorer' }, {}, { left: { modelCalls, tokens }, deadlineAt: NOW + 10 }, NOW);
    assert.deepEqual(given(10, 500), { budget: { modelCalls: 5, tokens: 250 }, deadlineAt: NOW + 10 });
    assert.deepEqual(given(3, 0), { budget: { modelCalls: 1, tokens: 1 }, deadlineAt: NOW + 10 });
    assert.throws(() => given(2, 500), {
      name: 'ToolProblem',
      message:
        'You have too few answers left to have somebody work for you. Do the rest yourself, and report.',
    });
  });

  it('is bounded by its parent’s time as that was moved while the turn waited for the person', async () => {
    const items = [
      tool(card('t:a', { modelCalls: 40, tokens: 1000 }, { modelCalls: 10, tokens: 400 }), [
        tool(card('t:a:b', { modelCalls: 9, tokens: 250 }, { modelCalls: 3, tokens: 50 })),
        tool({ ...card('t:a:c', { modelCalls: 9 }, { modelCalls: 1, tokens: 0 }), outcome: 'completed' }),
      ]),
    ];
    const told: NewEvent[] = [];
    const turn = {
      ...{ taskId: 'task', turnId: 't', claim: {}, now: () => NOW, models: () => [] },
      states: { current: async () => ({ turns: [{ items }] }) },
      log: {
        async append(_taskId: string, _claim: unknown, events: { event: NewEvent }[]) {
          told.push(...events.map(({ event }) => event));
          return { seq: 1, hasMessages: false };
        },
      },
      mail: { mayBeThere: false },
    } as unknown as TurnContext;
    const signal = new AbortController().signal;
    const parent = { id: 't:a', depth: 1, deadlineAt: NOW + 50, signal: async () => signal };
    const [role] = rolesOf([]);
    assert.ok(role);
    const order = { role: 'explorer', description: 'Look', prompt: 'Look' };
    const terms = await start(turn, parent as unknown as Agent, { callId: 't:a:d', role, order }, []);
    // Of 30 calls and 600 tokens that are left, 6 and 200 are given to another that is at work.
    assert.deepEqual(terms, { budget: { modelCalls: 12, tokens: 200 }, deadlineAt: NOW + 50 });
    assert.deepEqual(told, [
      {
        ...{ type: 'agent.started', turnId: 't', agentId: 't:a:d', parentId: 't:a', role: 'explorer' },
        ...{ kind: 'explorer', description: 'Look', depth: 2, model: '', workspace: 'shared', ...terms },
      },
    ]);
  });
});

const card = (
  agentId: string,
  budget: AgentBudget,
  used: { modelCalls: number; tokens: number },
): AgentCard => ({
  ...{ agentId, parentId: '', role: 'explorer', kind: 'explorer', description: '', depth: 1, model: 'm' },
  ...{ startedAt: 0, lastAt: 0, deadlineAt: 0, facts: [], budget, ...used },
});
const tool = (agent: AgentCard, items: Item[] = []): Item => ({
  ...{ kind: 'tool', callId: agent.agentId, name: 'task', input: {}, startedAt: 0, agent, items },
});

describe('the budget of a subagent', () => {
  const tree = (outer: AgentBudget): Item[] => [
    tool(card('t:a', outer, { modelCalls: 5, tokens: 100 }), [
      tool(card('t:a:b', { modelCalls: 9, tokens: 50 }, { modelCalls: 2, tokens: 40 })),
    ]),
  ];

  it('is for all that work for it', () => {
    assert.equal(overBudget(tree({ modelCalls: 6, tokens: 101 }), 't:a:b'), undefined);
    assert.deepEqual(overBudget(tree({ modelCalls: 5 }), 't:a:b'), {
      code: 'agent_over_budget',
      message: 'The agent that it works for has made all of its 5 model calls.',
      nextAction: 'Give it a smaller piece of work, or do it yourself.',
    });
    assert.equal(
      overBudget(tree({ modelCalls: 6, tokens: 100 }), 't:a')?.message,
      'It has used 100 of its 100 tokens.',
    );
  });
});

describe('what is left to a subagent', () => {
  const items = [
    tool(card('t:a', { modelCalls: 10, tokens: 500 }, { modelCalls: 7, tokens: 100 }), [
      tool(card('t:a:b', { modelCalls: 9 }, { modelCalls: 4, tokens: 90 })),
    ]),
  ];

  it('is without what those that work for it have used, and no more than they have whom it works for', () => {
    assert.deepEqual(leftOf(items, 't:a'), { modelCalls: 3, tokens: 400 });
    assert.deepEqual(leftOf(items, 't:a:b'), { modelCalls: 3, tokens: 400 });
    assert.equal(leftOf(items, 't'), undefined);
  });
});

describe('the roles of a turn', () => {
  const own = (name: string, kind: 'explorer' | 'executor') => ({
    ...{ name, kind, description: '', instructions: '', tools: undefined, modelRole: kind },
  });
  const names = (kind: 'lead' | 'executor', depth: number): string[] =>
    rolesFor(
      rolesOf([own('porter', 'executor'), own('explorer', 'executor'), own('scout', 'explorer')]),
      kind,
      {
        depth,
      },
    ).map(({ name }) => name);

  it('are the built-in ones and the repository’s own, which cannot take their names', () => {
    assert.deepEqual(names('lead', 0), ['explorer', 'executor', 'reviewer', 'porter', 'scout']);
  });

  it('are those that look where the agent is no lead, and none at the bottom', () => {
    assert.deepEqual(names('executor', 1), ['explorer', 'scout']);
    assert.deepEqual(names('executor', 3), []);
  });
});
