import type { Usage } from './agent-events.ts';
import type { AgentCard } from './agents.ts';
import type { EventOf } from './events.ts';
import { append, type Handlers, inItems, inTurn } from './items.ts';
import type { Item, TaskState } from './task.ts';

/** Characters of what a call is about that a card shows. */
const ACTION_LENGTH = 120;

/** What events about subagents, their context and their money mean. Part of `reduce`. */
export const agentHandlers: Handlers<
  | 'agent.started'
  | 'agent.stopping'
  | 'agent.ended'
  | 'agent.merged'
  | 'fact.staled'
  | 'context.cut'
  | 'rules.found'
  | 'agent.nudged'
  | 'mode.changed'
  | 'hook.ran'
  | 'spend.held'
  | 'model.spent'
> = {
  'agent.started': (state, event) => {
    const { turnId, agentId, parentId, role, kind, description, depth, model, deadlineAt, budget, at } =
      event;
    const card: AgentCard = {
      ...{ agentId, parentId, role, kind, description, depth, model, deadlineAt, budget },
      ...{ startedAt: at, lastAt: at, modelCalls: 0, tokens: 0, facts: [] },
    };
    return inCard(state, turnId, agentId, () => card);
  },
  'agent.stopping': (state, { turnId, agentId }) =>
    inCard(state, turnId, agentId, (card) =>
      card?.outcome === undefined ? card && { ...card, isStopping: true } : card,
    ),
  'agent.ended': (state, { turnId, agentId, outcome, result, error, at }) =>
    inCard(state, turnId, agentId, (card) => {
      if (card === undefined) return card;
      const { isStopping: _over, ...rest } = card;
      return {
        ...rest,
        outcome,
        endedAt: at,
        lastAt: at,
        ...(error === undefined ? {} : { error }),
        ...(result === undefined ? {} : { result }),
        facts: result?.kind === 'explorer' ? result.evidence : [],
      };
    }),
  'agent.merged': (state, { turnId, agentId, headTree, isDiscarded, ...paths }) => {
    const { changed, changedCount, conflicts, conflictCount } = paths;
    const merged = {
      ...{ changed, conflicts, isDiscarded },
      ...(changedCount === undefined ? {} : { changedCount }),
      ...(conflictCount === undefined ? {} : { conflictCount }),
    };
    const told = inCard(state, turnId, agentId, (card) => card && { ...card, merged });
    return isDiscarded ? told : { ...told, workspaceTree: headTree };
  },
  'fact.staled': (state, { turnId, agentId, path, blob, now, by, at }) =>
    inCard(
      state,
      turnId,
      agentId,
      (card) =>
        card && {
          ...card,
          facts: card.facts.map((fact) =>
            fact.path === path && fact.blob === blob ? { ...fact, stale: { by, blob: now, at } } : fact,
          ),
        },
    ),

  'context.cut': (state, { turnId, agentId, evicted, summary, tokensBefore, tokensAfter, usage, at }) => {
    const item: Item = {
      kind: 'cut',
      evicted: evicted.length,
      ...(summary === undefined ? {} : { summary }),
      tokensBefore,
      tokensAfter,
      at,
    };
    const cut = append(state, { turnId, agentId }, item);
    return usage === undefined ? cut : spent(cut, { turnId, agentId, usage, calls: 1 });
  },
  'rules.found': (state) => state,
  'agent.nudged': (state, { turnId, agentId, text, at }) =>
    append(
      state,
      { turnId, agentId },
      { kind: 'notice', level: 'info', text: `The agent was told: ${text}`, at },
    ),
  'mode.changed': (state, { turnId, mode }) => inTurn(state, turnId, (turn) => ({ ...turn, mode })),
  'hook.ran': (state, { turnId, name, outcome, output, at }) => {
    if (outcome === 'passed') return state;
    const what = outcome === 'blocked' ? 'refused a call of the agent' : 'failed';
    const text = `The hook ${name} ${what}.${output === '' ? '' : ` It said:\n${output}`}`;
    return append(state, { turnId }, { kind: 'notice', level: 'warning', text, at });
  },
  // What is asked of the person about it says more.
  'spend.held': (state) => state,
  'model.spent': (state, { turnId, agentId, usage }) => spent(state, { turnId, agentId, usage, calls: 1 }),
};

/** An answer counts for the agent that gave it, for those that it works for, and for the turn. */
export function withAnswer(state: TaskState, event: EventOf<'model.answered'>): TaskState {
  const { turnId, agentId, usage, at } = event;
  const counted = spent(state, { turnId, agentId, usage, calls: 1 });
  return agentId === undefined
    ? counted
    : inCard(counted, turnId, agentId, (card) => card && { ...card, lastAt: at });
}

/** A call is the newest that is known of the agent that makes it. */
export function withCall(state: TaskState, event: EventOf<'tool.started'>): TaskState {
  const { turnId, agentId, name, input, at } = event;
  if (agentId === undefined) return state;
  const lastAction = actionOf(name, input);
  return inCard(state, turnId, agentId, (card) => card && { ...card, lastAction, lastAt: at });
}

/** What a call is about, in a few words: its name, and the first of what it was given that is a text. */
export function actionOf(name: string, input: unknown): string {
  const values = typeof input === 'object' && input !== null ? Object.values(input) : [];
  const about = values.find((value) => typeof value === 'string');
  const text = about === undefined ? name : `${name} ${about.replaceAll(/\s+/g, ' ').trim()}`;
  return text.length <= ACTION_LENGTH ? text : `${text.slice(0, ACTION_LENGTH).toWellFormed()}…`;
}

function spent(
  state: TaskState,
  what: { turnId: string; agentId: string | undefined; usage: Usage; calls: number },
): TaskState {
  const { turnId, agentId, usage, calls } = what;
  const { costMicros } = usage;
  const tokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
  const paid =
    costMicros === undefined
      ? state
      : inTurn(state, turnId, (turn) => ({ ...turn, costMicros: (turn.costMicros ?? 0) + costMicros }));
  if (agentId === undefined) return paid;
  return inTurn(paid, turnId, (turn) => ({ ...turn, items: inPath(turn.items, agentId, count) }));

  function count(card: AgentCard): AgentCard {
    return {
      ...card,
      modelCalls: card.modelCalls + calls,
      tokens: card.tokens + tokens,
      ...(costMicros === undefined ? {} : { costMicros: (card.costMicros ?? 0) + costMicros }),
    };
  }
}

/** Changes the cards of an agent and of all that it works for. */
function inPath(items: Item[], agentId: string, change: (card: AgentCard) => AgentCard): Item[] {
  return items.map((item) => {
    if (item.kind !== 'tool' || !isWithin(agentId, item.callId)) return item;
    return {
      ...item,
      ...(item.agent === undefined ? {} : { agent: change(item.agent) }),
      ...(item.items === undefined ? {} : { items: inPath(item.items, agentId, change) }),
    };
  });
}

/** Whether an agent is the one that works for the call, or works for that. Ids grow to the right. */
const isWithin = (agentId: string, callId: string): boolean =>
  agentId === callId || agentId.startsWith(`${callId}:`);

function inCard(
  state: TaskState,
  turnId: string,
  agentId: string,
  change: (card: AgentCard | undefined) => AgentCard | undefined,
): TaskState {
  const parent = parentOf(agentId);
  return inItems(state, { turnId, agentId: parent === turnId ? undefined : parent }, (items) =>
    items.map((item) => {
      if (item.kind !== 'tool' || item.callId !== agentId) return item;
      const agent = change(item.agent);
      return agent === undefined ? item : { ...item, agent };
    }),
  );
}

/** `turnId:m3c1` works for the turn's lead, `turnId:m3c1:m2c0` for `turnId:m3c1`. */
export const parentOf = (agentId: string): string => agentId.slice(0, agentId.lastIndexOf(':'));
