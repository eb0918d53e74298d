import type { AgentCard } from './agents.ts';
import type { EventOf, TaskEventType } from './events.ts';
import type { Item, TaskState, Turn } from './task.ts';

/** What each of these events means for a task. */
export type Handlers<Types extends TaskEventType = TaskEventType> = {
  [Type in Types]: (state: TaskState, event: EventOf<Type>) => TaskState;
};

type ToolItem = Extract<Item, { kind: 'tool' }>;

/** Whose entries an event is about: of a turn's lead, or of the subagent that works for the tool call `agentId`. */
export interface Speaker {
  turnId: string;
  agentId?: string | undefined;
}

/** Changes the turn of that id; the newest is looked at first, for that is where events go. */
export function inTurn(state: TaskState, turnId: string, change: (turn: Turn) => Turn): TaskState {
  const index = state.turns.findLastIndex((turn) => turn.turnId === turnId);
  const turn = state.turns[index];
  return turn === undefined ? state : { ...state, turns: state.turns.with(index, change(turn)) };
}

/** Changes what the speaker has said and done; what a subagent says goes below the call that it works for. */
export function inItems(
  state: TaskState,
  { turnId, agentId }: Speaker,
  change: (items: Item[]) => Item[],
): TaskState {
  return inTurn(state, turnId, (turn) => ({
    ...turn,
    items: agentId === undefined ? change(turn.items) : inAgent(turn.items, agentId, change),
  }));
}

function inAgent(items: Item[], agentId: string, change: (items: Item[]) => Item[]): Item[] {
  return items.map((item) => {
    if (item.kind !== 'tool') return item;
    if (item.callId === agentId) return { ...item, items: change(item.items ?? []) };
    // A subagent's id begins with that of the agent it works for.
    if (!agentId.startsWith(item.callId) || item.items === undefined) return item;
    return { ...item, items: inAgent(item.items, agentId, change) };
  });
}

export function append(state: TaskState, speaker: Speaker, item: Item): TaskState {
  return inItems(state, speaker, (items) => [...items, item]);
}

/** What is told of a task in its newest turn; before the first there is nowhere to tell it. */
export function notice(state: TaskState, level: 'info' | 'warning', text: string, at: number): TaskState {
  const turnId = state.turns.at(-1)?.turnId;
  return turnId === undefined ? state : append(state, { turnId }, { kind: 'notice', level, text, at });
}

export function inTool(
  state: TaskState,
  speaker: Speaker,
  callId: string,
  change: (tool: ToolItem) => ToolItem,
): TaskState {
  return inItems(state, speaker, (items) => {
    const index = items.findLastIndex((item) => item.kind === 'tool' && item.callId === callId);
    const item = items[index];
    return item?.kind === 'tool' ? items.with(index, change(item)) : items;
  });
}

/** A later attempt replaces what an earlier one said; a delta of an earlier attempt is late and dropped. */
export function extendText(items: Item[], messageId: string, attempt: number, text: string): Item[] {
  const index = items.findLastIndex((item) => item.kind === 'text' && item.messageId === messageId);
  const item = items[index];
  if (item?.kind !== 'text') return [...items, { kind: 'text', messageId, attempt, text, done: false }];
  if (attempt < item.attempt || item.done) return items;
  const before = attempt === item.attempt ? item.text : '';
  return items.with(index, { ...item, attempt, text: before + text });
}

/** The whole text is the truth; an answer that had none (only tool calls) leaves no empty bubble. */
export function finishText(items: Item[], messageId: string, attempt: number, text: string): Item[] {
  const index = items.findLastIndex((item) => item.kind === 'text' && item.messageId === messageId);
  const finished: Item = { kind: 'text', messageId, attempt, text, done: true };
  if (index === -1) return text === '' ? items : [...items, finished];
  return text === '' ? items.toSpliced(index, 1) : items.with(index, finished);
}

/** What was still open when its turn ended will not go on: text is as far as it came, a tool was interrupted. */
export function settle(item: Item, at: number): Item {
  if (item.kind === 'text' && !item.done) return { ...item, done: true };
  if (item.kind === 'question' && item.answer === undefined)
    return { ...item, answer: { kind: 'dismissed' } };
  if (item.kind !== 'tool') return item;
  const inside = item.items === undefined ? {} : { items: item.items.map((within) => settle(within, at)) };
  const agent = item.agent === undefined ? {} : { agent: halted(item.agent, at) };
  if (item.output !== undefined) return item.items === undefined ? item : { ...item, ...inside, ...agent };
  const { live, ...tool } = item;
  return { ...tool, ...inside, ...agent, output: live ?? '', isError: true, durationMs: at - item.startedAt };
}

/** A subagent whose turn ended around it was stopped with that. */
function halted(agent: AgentCard, at: number): AgentCard {
  if (agent.outcome !== undefined) return agent;
  const { isStopping: _over, ...rest } = agent;
  return { ...rest, outcome: 'stopped', endedAt: at };
}
