import assert from 'node:assert/strict';
import { overBudget } from '../../../../server/agent/agents/budget.ts';
import { AGENT_BUDGETS } from '../../../../server/agent/agents/limits.ts';
import { rolesFor, rolesOf } from '../../../../server/agent/agents/roles.ts';
import { termsFor } from '../../../../server/agent/agents/start.ts';
import type { AgentBudget, AgentCard } from '../../../../server/protocol/agents.ts';
import type { Item } from '../../../../server/protocol/task.ts';

const NOW = 1_000_000;
const { modelCalls, tokens, seconds } = AGENT_BUDGETS.explorer;

describe('what a subagent is held to', () => {
  it('is what its kind has', () => {
    assert.deepEqual(termsFor({ kind: 'explorer' }, {}, undefined, NOW), {
      budget: { modelCalls, tokens },
      deadlineAt: NOW + seconds * 1000,
    });
  });

  it('is less where less is asked for, and never more', () => {
    const limits = { modelCalls: 3, tokens: tokens + 1, seconds: 5 };
    assert.deepEqual(termsFor({ kind: 'explorer' }, { limits }, undefined, NOW), {
      budget: { modelCalls: 3, tokens },
      deadlineAt: NOW + 5000,
    });
  });

  it('is no more than what is left of its parent’s', () => {
    const parent = {
      budget: { modelCalls: 10, tokens: 500 },
      modelCalls: 4,
      tokens: 499,
      deadlineAt: NOW + 10,
    };
    assert.deepEqual(termsFor({ kind: 'explorer' }, {}, parent, NOW), {
      budget: { modelCalls: 6, tokens: 1 },
      deadlineAt: NOW + 10,
    });
  });
});

describe('the budget of a subagent', () => {
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
