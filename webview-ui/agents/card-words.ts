import type { AgentCard, Fact } from '../../server/protocol/agents.ts';
import type { Item, TaskState } from '../../server/protocol/task.ts';
import { count, duration, money, wholeSeconds } from '../format.ts';
import type { ToolItem } from '../rows.ts';
import { strings } from '../strings.ts';

/** What a subagent's card says. Pure: the present is a parameter. */

const text = strings.agents;

/** A running subagent that has not begun or ended anything for so long (ms) is said to be silent: most steps take less. */
const SILENT_MS = 60_000;

/** A call that a subagent works for. */
export type AgentItem = ToolItem & { agent: AgentCard };

const isAgent = (item: Item): item is AgentItem => item.kind === 'tool' && item.agent !== undefined;

/** The subagents of the one that works for the call. */
export const childrenOf = (tool: ToolItem): AgentItem[] => (tool.items ?? []).filter(isAgent);

export type CardState = 'running' | 'asking' | 'stopping' | NonNullable<AgentCard['outcome']>;

/** @param isAsking whether it can go on only once the person has answered */
export const stateOf = ({ outcome, isStopping }: AgentCard, isAsking: boolean): CardState =>
  outcome ?? (isStopping ? 'stopping' : isAsking ? 'asking' : 'running');

/** Whether the person is asked for more money: who makes no call then waits for them, before its whole turn does. */
export const isHeld = (task: TaskState | null): boolean =>
  task?.turns
    .at(-1)
    ?.items.some((item) => item.kind === 'question' && item.about === 'spend' && !item.answer) ?? false;

export const icons: Record<CardState, string> = {
  running: 'loading',
  asking: 'question',
  stopping: 'loading',
  completed: 'pass',
  stopped: 'circle-slash',
  failed: 'error',
  timed_out: 'watch',
  over_budget: 'warning',
  invalid: 'warning',
};

export const isAtWork = (card: AgentCard): boolean => card.outcome === undefined;

/** For how long it has worked, what it has used up of what it has, and what it may still: in the order of how much it matters. */
export function usedWords(card: AgentCard, state: CardState, now: number): string[] {
  const { model, modelCalls, tokens, costMicros, budget, startedAt, endedAt, deadlineAt } = card;
  return [
    endedAt === undefined ? wholeSeconds(Math.max(0, now - startedAt)) : duration(endedAt - startedAt),
    text.calls(modelCalls, budget.modelCalls),
    text.tokens(count(tokens), budget.tokens === undefined ? undefined : count(budget.tokens)),
    ...(costMicros === undefined ? [] : [money(costMicros)]),
    // It has more, where it waits for the person.
    ...(isAtWork(card) && state !== 'asking' ? [text.left(wholeSeconds(Math.max(0, deadlineAt - now)))] : []),
    ...(model === '' ? [] : [model]),
  ];
}

/** Since how long (ms) it has neither begun nor ended anything; null while that is no wonder, for it waits for others, too. */
export function silentFor(tool: AgentItem, now: number): number | null {
  const children = childrenOf(tool).map(({ agent }) => agent);
  if (!isAtWork(tool.agent) || children.some(isAtWork)) return null;
  const silent = now - Math.max(tool.agent.lastAt, ...children.map(({ endedAt = 0 }) => endedAt));
  return silent >= SILENT_MS ? silent : null;
}

/** What is to be looked at before anything else of it. */
export function troubles({ error, facts, merged }: AgentCard): string[] {
  const stale = facts.filter((fact) => fact.stale !== undefined).length;
  return [
    ...(error === undefined ? [] : [error.message]),
    ...(merged === undefined || merged.conflicts.length === 0
      ? []
      : [text.conflicts(merged.conflicts.length)]),
    ...(merged?.isDiscarded ? [text.discarded] : []),
    ...(stale === 0 ? [] : [text.staleFacts(stale)]),
  ];
}

/** Its place, and who changed it since. @param named who goes by an id */
export function factWords({ startLine, endLine, stale }: Fact, named: (id: string) => string): string {
  const lines = strings.tools.lines(startLine, endLine);
  if (stale === undefined) return lines;
  return `${lines} · ${stale.blob === null ? text.removedBy(named(stale.by)) : text.changedBy(named(stale.by))}`;
}

/** Whom the person knows by that id: themselves, an agent of a card, or the turn's own. */
export function agentName(task: Pick<TaskState, 'turns'> | null, id: string): string {
  if (id === 'person') return text.you;
  const found = (task?.turns ?? []).flatMap(({ items }) => within(items, id));
  const card = found[0]?.agent;
  return card === undefined ? text.lead : text.name(card.role, card.description);
}

function within(items: Item[], id: string): AgentItem[] {
  return items
    .filter(isAgent)
    .flatMap((item) => (item.agent.agentId === id ? [item] : within(item.items ?? [], id)));
}
