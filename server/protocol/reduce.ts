import type { EventOf, TaskEvent, TaskEventType } from './events.ts';
import type { Item, TaskState, Turn } from './task.ts';

/** How much of a running command's output is kept for showing, in UTF-16 units; the tool's result has the rest. */
const LIVE_OUTPUT_LIMIT = 20_000;

/** A task before its first event. */
export function emptyTask(taskId: string): TaskState {
  return {
    taskId,
    seq: 0,
    title: '',
    status: 'idle',
    createdAt: 0,
    updatedAt: 0,
    turns: [],
    queue: [],
    todos: [],
  };
}

/**
 * The one place where events become state: in the relay, the extension and the panel alike.
 * Pure; shares what did not change. An event at or below `state.seq` was seen already and changes nothing;
 * one that skips a number throws, for the log has no gaps and so the reader has a bug.
 */
export function reduce(state: TaskState, event: TaskEvent): TaskState {
  if (event.seq <= state.seq) return state;
  if (event.seq !== state.seq + 1)
    throw new RangeError(`event ${event.seq} after ${state.seq}: one is missing`);
  const handle = handlers[event.type] as (state: TaskState, event: TaskEvent) => TaskState;
  return { ...handle(state, event), seq: event.seq, updatedAt: event.at };
}

type Handlers = { [Type in TaskEventType]: (state: TaskState, event: EventOf<Type>) => TaskState };

const handlers: Handlers = {
  'task.created': (state, event) => ({
    ...state,
    title: event.title,
    createdAt: event.at,
    source: event.source,
    ...(event.model === undefined ? {} : { model: event.model }),
  }),
  'task.archived': (state) => ({ ...state, status: 'archived' }),

  'message.queued': (state, { messageId, text, at }) => ({
    ...state,
    queue: [...state.queue, { messageId, text, at }],
  }),
  'message.delivered': (state, { turnId, messageId, text, selection, at }) =>
    append({ ...state, queue: state.queue.filter((queued) => queued.messageId !== messageId) }, turnId, {
      kind: 'user',
      messageId,
      text,
      ...(selection && selection.length > 0 ? { selection } : {}),
      at,
    }),

  'turn.started': (state, { turnId, at }) => ({
    ...state,
    status: 'running',
    turns: [...state.turns, { turnId, startedAt: at, items: [] }],
  }),
  'turn.stopping': (state) => ({ ...state, status: 'stopping' }),
  'turn.ended': (state, { turnId, outcome, error, usage, at }) => {
    const ended = inTurn(state, turnId, (turn) => ({
      ...turn,
      endedAt: at,
      outcome,
      usage,
      ...(error ? { error } : {}),
      items: turn.items.map((item) => settle(item, at)),
    }));
    return { ...ended, status: outcome };
  },

  'sandbox.changed': (state, { state: sandbox, detail }) => ({
    ...state,
    sandbox: { state: sandbox, ...(detail === undefined ? {} : { detail }) },
  }),

  'model.called': (state) => state,
  'model.retried': (state, { turnId, messageId, reason, delayMs, at }) =>
    append(
      inTurn(state, turnId, (turn) => ({
        ...turn,
        items: turn.items.filter((item) => !(item.kind === 'text' && item.messageId === messageId)),
      })),
      turnId,
      {
        kind: 'notice',
        level: 'warning',
        text: `${reason.message} Trying again in ${Math.ceil(delayMs / 1000)} s.`,
        at,
      },
    ),
  'text.delta': (state, { turnId, messageId, attempt, text }) =>
    inTurn(state, turnId, (turn) => ({ ...turn, items: extendText(turn.items, messageId, attempt, text) })),
  'model.answered': (state, { turnId, messageId, attempt, text }) =>
    inTurn(state, turnId, (turn) => ({ ...turn, items: finishText(turn.items, messageId, attempt, text) })),

  'tool.started': (state, { turnId, callId, name, input, at }) =>
    append(state, turnId, { kind: 'tool', callId, name, input, startedAt: at }),
  'tool.output': (state, { turnId, callId, text }) =>
    inTool(state, turnId, callId, (tool) => ({
      ...tool,
      live: ((tool.live ?? '') + text).slice(-LIVE_OUTPUT_LIMIT),
    })),
  'tool.finished': (state, { turnId, callId, output, isError, durationMs }) =>
    inTool(state, turnId, callId, ({ live: _live, ...tool }) => ({ ...tool, output, isError, durationMs })),
  'todos.changed': (state, { items }) => ({ ...state, todos: items }),

  'proposal.changed': (state, { revision, baseTree, headTree, files }) => ({
    ...state,
    proposal: { revision, baseTree, headTree, files },
  }),
  'review.changed': (state, { revision, accepted, acceptedTree }) => ({
    ...state,
    review: { revision, accepted, acceptedTree },
  }),

  'publish.started': (state, { publishId, branch, acceptedTree }) => ({
    ...state,
    publish: { publishId, stage: 'started', branch, acceptedTree },
  }),
  'publish.committed': (state, { publishId, commit }) =>
    inPublish(state, publishId, { stage: 'committed', commit }),
  'publish.pushed': (state, { publishId, commit, branch }) =>
    inPublish(state, publishId, { stage: 'pushed', commit, branch }),
  'publish.opened': (state, { publishId, pullRequest }) =>
    inPublish(state, publishId, { stage: 'opened', pullRequest }),
  'publish.failed': (state, { publishId, error, compareUrl }) =>
    inPublish(state, publishId, { stage: 'failed', error, ...(compareUrl ? { compareUrl } : {}) }),
};

type ToolItem = Extract<Item, { kind: 'tool' }>;

/** Changes the turn of that id; the newest is looked at first, for that is where events go. */
function inTurn(state: TaskState, turnId: string, change: (turn: Turn) => Turn): TaskState {
  const index = state.turns.findLastIndex((turn) => turn.turnId === turnId);
  const turn = state.turns[index];
  return turn === undefined ? state : { ...state, turns: state.turns.with(index, change(turn)) };
}

function append(state: TaskState, turnId: string, item: Item): TaskState {
  return inTurn(state, turnId, (turn) => ({ ...turn, items: [...turn.items, item] }));
}

function inTool(
  state: TaskState,
  turnId: string,
  callId: string,
  change: (tool: ToolItem) => ToolItem,
): TaskState {
  return inTurn(state, turnId, (turn) => {
    const index = turn.items.findLastIndex((item) => item.kind === 'tool' && item.callId === callId);
    const item = turn.items[index];
    return item?.kind === 'tool' ? { ...turn, items: turn.items.with(index, change(item)) } : turn;
  });
}

function inPublish(
  state: TaskState,
  publishId: string,
  change: Partial<NonNullable<TaskState['publish']>>,
): TaskState {
  if (state.publish?.publishId !== publishId) return state;
  return { ...state, publish: { ...state.publish, ...change } };
}

/** A later attempt replaces what an earlier one said; a delta of an earlier attempt is late and dropped. */
function extendText(items: Item[], messageId: string, attempt: number, text: string): Item[] {
  const index = items.findLastIndex((item) => item.kind === 'text' && item.messageId === messageId);
  const item = items[index];
  if (item?.kind !== 'text') return [...items, { kind: 'text', messageId, attempt, text, done: false }];
  if (attempt < item.attempt || item.done) return items;
  const before = attempt === item.attempt ? item.text : '';
  return items.with(index, { ...item, attempt, text: before + text });
}

/** The whole text is the truth; an answer that had none (only tool calls) leaves no empty bubble. */
function finishText(items: Item[], messageId: string, attempt: number, text: string): Item[] {
  const index = items.findLastIndex((item) => item.kind === 'text' && item.messageId === messageId);
  const finished: Item = { kind: 'text', messageId, attempt, text, done: true };
  if (index === -1) return text === '' ? items : [...items, finished];
  return text === '' ? items.toSpliced(index, 1) : items.with(index, finished);
}

/** What was still open when its turn ended will not go on: text is as far as it came, a tool was interrupted. */
function settle(item: Item, at: number): Item {
  if (item.kind === 'text' && !item.done) return { ...item, done: true };
  if (item.kind === 'tool' && item.output === undefined) {
    const { live, ...tool } = item;
    return { ...tool, output: live ?? '', isError: true, durationMs: at - item.startedAt };
  }
  return item;
}
