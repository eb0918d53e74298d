import type { AgentBudget, AgentCard } from '../../protocol/agents.ts';
import type { Failure } from '../../protocol/errors.ts';
import type { Item } from '../../protocol/task.ts';

/**
 * Why an agent may make no further model call: it has used up what it may, or one that it works for has, whose budget is for all below it.
 * @param items of its turn
 */
export function overBudget(items: readonly Item[], agentId: string): Failure | undefined {
  for (const card of pathTo(items, agentId)) {
    const { budget, modelCalls, tokens } = card;
    const whose = card.agentId === agentId ? 'It' : 'The agent that it works for';
    if (modelCalls >= budget.modelCalls)
      return over(`${whose} has made all of its ${budget.modelCalls} model calls.`);
    if (budget.tokens !== undefined && tokens >= budget.tokens) {
      return over(`${whose} has used ${tokens} of its ${budget.tokens} tokens.`);
    }
  }
  return undefined;
}

/** What an agent may still use up: what those that work for it have used is not its own any more. Undefined for whom nobody bounds. */
export function leftOf(items: readonly Item[], agentId: string): Left | undefined {
  const path = pathTo(items, agentId).map(leftIn);
  if (path.length === 0) return undefined;
  const tokens = path.flatMap((left) => (left.tokens === undefined ? [] : [left.tokens]));
  return {
    modelCalls: Math.min(...path.map((left) => left.modelCalls)),
    ...(tokens.length === 0 ? {} : { tokens: Math.min(...tokens) }),
  };
}

/** The same, without what was given to those that work for it now and is not used yet: what it can give to one more. */
export function toGive(items: readonly Item[], agentId: string): Left | undefined {
  const left = leftOf(items, agentId);
  if (left === undefined) return undefined;
  const promised = atWork(items, agentId).map(leftIn);
  const without = (figure: number, which: keyof Left): number =>
    Math.max(0, figure - promised.reduce((sum, given) => sum + (given[which] ?? 0), 0));
  return {
    modelCalls: without(left.modelCalls, 'modelCalls'),
    ...(left.tokens === undefined ? {} : { tokens: without(left.tokens, 'tokens') }),
  };
}

/** Figures of a budget; 0 where nothing is left of it. */
export type Left = AgentBudget;

const leftIn = ({ budget, modelCalls, tokens }: AgentCard): Left => ({
  modelCalls: Math.max(0, budget.modelCalls - modelCalls),
  ...(budget.tokens === undefined ? {} : { tokens: Math.max(0, budget.tokens - tokens) }),
});

/** Those that work for an agent and have not ended. */
function atWork(items: readonly Item[], agentId: string): AgentCard[] {
  for (const item of items) {
    if (item.kind !== 'tool') continue;
    if (agentId.startsWith(`${item.callId}:`)) return atWork(item.items ?? [], agentId);
    if (item.callId !== agentId) continue;
    return (item.items ?? []).flatMap((inner) =>
      inner.kind === 'tool' && inner.agent && inner.agent.outcome === undefined ? [inner.agent] : [],
    );
  }
  return [];
}

/** The cards of an agent and of those that it works for, the topmost first. */
function pathTo(items: readonly Item[], agentId: string): AgentCard[] {
  for (const item of items) {
    if (item.kind !== 'tool' || item.agent === undefined) continue;
    if (item.callId === agentId) return [item.agent];
    if (agentId.startsWith(`${item.callId}:`)) return [item.agent, ...pathTo(item.items ?? [], agentId)];
  }
  return [];
}

const over = (message: string): Failure => ({
  code: 'agent_over_budget',
  message,
  nextAction: 'Give it a smaller piece of work, or do it yourself.',
});
