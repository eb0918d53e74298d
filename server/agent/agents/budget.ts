import type { AgentCard } from '../../protocol/agents.ts';
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
