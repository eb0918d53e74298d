import type { TaskEvent } from './events.ts';
import {
  append,
  extendText,
  finishText,
  type Handlers,
  inItems,
  inTool,
  inTurn,
  notice,
  settle,
} from './items.ts';
import { agentHandlers, withAnswer, withCall } from './reduce-agents.ts';
import { reviewHandlers } from './reduce-review.ts';
import type { Check, Item, TaskState, Turn } from './task.ts';

/** How much of a running command's output is kept for showing, in UTF-16 units; the tool's result has the rest. */
const LIVE_OUTPUT_LIMIT = 20_000;
/** Characters of what a setup that failed printed last. */
const SETUP_OUTPUT = 1000;

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
    threads: [],
  };
}

/**
 * The one place where events become state: in the relay, the extension and the panel alike.
 * Pure; shares what did not change. An event at or below `state.seq` was seen already and changes nothing;
 * one that skips a number throws, for the log has no gaps and so the reader has a bug.
 */
export function reduce(state: TaskState, event: TaskEvent): TaskState {
  if (event.seq <= state.seq) return state;
  // Events are plain data here, for the panel has no schemas.
  const first = event.type === 'log.compacted' ? event.first : event.seq;
  if (first > state.seq + 1) throw new RangeError(`event ${event.seq} after ${state.seq}: one is missing`);
  const handle = handlers[event.type] as (state: TaskState, event: TaskEvent) => TaskState;
  return { ...handle(state, event), seq: event.seq, updatedAt: event.at };
}

const handlers: Handlers = {
  'task.created': (state, event) => ({
    ...state,
    title: event.title,
    createdAt: event.at,
    source: event.source,
    ...(event.model === undefined ? {} : { model: event.model }),
  }),
  'task.archived': (state) => ({ ...state, status: 'archived' }),
  'task.imported': (state) => state,

  'message.queued': (state, { messageId, text, at }) => ({
    ...state,
    queue: [...state.queue, { messageId, text, at }],
  }),
  'message.edited': (state, { messageId, text }) => ({
    ...state,
    queue: state.queue.map((queued) => (queued.messageId === messageId ? { ...queued, text } : queued)),
  }),
  'message.delivered': (state, { turnId, messageId, text, selection, mode, at }) =>
    append(
      withMode(
        { ...state, queue: state.queue.filter((queued) => queued.messageId !== messageId) },
        turnId,
        mode,
      ),
      { turnId },
      {
        kind: 'user',
        messageId,
        text,
        ...(selection && selection.length > 0 ? { selection } : {}),
        at,
      },
    ),

  'message.expanded': (state) => state,

  'turn.started': (state, { turnId, at }) => ({
    ...state,
    status: 'running',
    turns: [...state.turns, { turnId, startedAt: at, items: [] }],
  }),
  'turn.stopping': (state) => ({ ...state, status: 'stopping' }),
  'turn.waiting': (state, { turnId, reason, at }) => ({
    ...inTurn(state, turnId, (turn) => ({ restingSince: at, ...turn, waiting: reason })),
    status: state.status === 'stopping' ? 'stopping' : 'waiting',
  }),
  'turn.parked': (state, { turnId, at }) => ({
    ...inTurn(state, turnId, (turn) => ({ restingSince: at, ...turn })),
    status: state.status === 'stopping' ? 'stopping' : 'asking',
  }),
  'turn.continued': (state, { turnId, at }) => ({
    ...inTurn(state, turnId, (turn) => goingOn(turn, at)),
    status: state.status === 'stopping' ? 'stopping' : 'running',
  }),
  'turn.ended': (state, { turnId, outcome, error, usage, at }) => {
    const ended = inTurn(state, turnId, (turn) => ({
      ...goingOn(turn, at),
      endedAt: at,
      outcome,
      usage,
      ...(error ? { error } : {}),
      items: turn.items.map((item) => settle(item, at)),
    }));
    return { ...ended, status: outcome };
  },

  'sandbox.changed': (state, { state: sandbox, detail, isNews = false, at }) => {
    const changed = { ...state, sandbox: { state: sandbox, ...(detail === undefined ? {} : { detail }) } };
    if (sandbox !== 'lost' && !isNews) return changed;
    const text = sandbox === 'lost' ? `The task’s machine is lost. ${detail ?? ''}`.trim() : `${detail}`;
    return notice(changed, 'warning', `${text}.`, at);
  },
  'setup.started': (state, { command }) => ({
    ...state,
    sandbox: { state: state.sandbox?.state ?? 'provisioning', detail: `Running ${command}` },
  }),
  'setup.finished': (state, { outcome, output, durationMs, at }) => {
    const { detail: _done, ...sandbox } = state.sandbox ?? { state: 'provisioning' as const };
    const done = { ...state, sandbox };
    if (outcome === 'cached') return done;
    if (outcome === 'passed')
      return notice(done, 'info', `Set up in ${(durationMs / 1000).toFixed(1)} s.`, at);
    const why = output === '' ? '' : ` It ended with:\n${output.slice(-SETUP_OUTPUT)}`;
    return notice(done, 'warning', `The repository’s setup failed; the agent goes on without it.${why}`, at);
  },
  'environment.noted': (state, { text, at }) => notice(state, 'warning', text, at),

  'model.called': (state) => state,
  'model.retried': (state, { turnId, agentId, messageId, reason, delayMs, next, at }) =>
    inItems(state, { turnId, agentId }, (items) => [
      ...items.filter((item) => !(item.kind === 'text' && item.messageId === messageId)),
      {
        kind: 'notice',
        level: 'warning',
        text: `${reason.message} ${again(delayMs, next)}`,
        at,
      },
    ]),
  'text.delta': (state, { turnId, agentId, messageId, attempt, text }) =>
    inItems(state, { turnId, agentId }, (items) => extendText(items, messageId, attempt, text)),
  'model.answered': (state, event) => {
    const { turnId, agentId, messageId, attempt, text } = event;
    const answered = inItems(state, { turnId, agentId }, (items) =>
      finishText(items, messageId, attempt, text),
    );
    return withAnswer(answered, event);
  },

  'tool.started': (state, event) => {
    const { turnId, agentId, callId, name, input, at } = event;
    const item: Item = { kind: 'tool', callId, name, input, startedAt: at };
    return withCall(append(state, { turnId, agentId }, item), event);
  },
  'tool.output': (state, { turnId, agentId, callId, text }) =>
    inTool(state, { turnId, agentId }, callId, (tool) => ({
      ...tool,
      live: ((tool.live ?? '') + text).slice(-LIVE_OUTPUT_LIMIT),
    })),
  'tool.finished': (state, { turnId, agentId, callId, output, isError, durationMs }) =>
    inTool(state, { turnId, agentId }, callId, ({ live: _live, ...tool }) => ({
      ...tool,
      output,
      isError,
      durationMs,
    })),
  'todos.changed': (state, { items }) => ({ ...state, todos: items }),

  'question.asked': (state, { turnId, questionId, question, options, freeText, about, at }) => {
    const asked = { questionId, question, options, freeText, ...(about === undefined ? {} : { about }) };
    return append(state, { turnId }, { kind: 'question', ...asked, at });
  },
  'question.answered': (state, { turnId, questionId, answer }) =>
    inItems(state, { turnId }, (items) =>
      items.map((item) =>
        item.kind === 'question' && item.questionId === questionId ? { ...item, answer } : item,
      ),
    ),

  'check.started': (state, { turnId, name, command, tree, at }) =>
    inChecks(state, turnId, (checks) => [
      ...checks.filter((check) => check.name !== name),
      { name, command, ...(tree === undefined ? {} : { tree }), startedAt: at },
    ]),
  'check.finished': (state, { turnId, name, outcome, output, durationMs }) =>
    inChecks(state, turnId, (checks) =>
      checks.map((check) => (check.name === name ? { ...check, outcome, output, durationMs } : check)),
    ),

  ...agentHandlers,
  ...reviewHandlers,

  'publish.started': (state, { publishId, branch, acceptedTree, pushedTree }) => ({
    ...state,
    publish: {
      publishId,
      stage: 'started',
      branch,
      acceptedTree,
      ...(pushedTree === undefined ? {} : { pushedTree }),
    },
  }),
  'publish.committed': (state, { publishId, commit }) =>
    inPublish(state, publishId, { stage: 'committed', commit }),
  'publish.pushed': (state, { publishId, commit, branch }) =>
    inPublish(state, publishId, { stage: 'pushed', commit, branch }),
  'publish.opened': (state, { publishId, pullRequest }) =>
    inPublish(state, publishId, { stage: 'opened', pullRequest }),
  'publish.failed': (state, { publishId, error, compareUrl }) =>
    inPublish(state, publishId, { stage: 'failed', error, ...(compareUrl ? { compareUrl } : {}) }),

  'pull_request.changed': (state, { status, at }) => {
    const changed = { ...state, pullRequest: status };
    const before = state.pullRequest?.number === status.number ? state.pullRequest.state : 'open';
    if (status.state === before || status.state === 'open') return changed;
    return notice(changed, 'info', `Pull request #${status.number} was ${status.state}.`, at);
  },
  'follow.changed': (state, { autoFix }) => ({
    ...state,
    follow: { fixes: state.follow?.fixes ?? 0, autoFix },
  }),
  'fix.requested': (state, { isAutomatic, turnId }) =>
    isAutomatic && turnId === undefined && state.follow
      ? { ...state, follow: { ...state.follow, fixes: state.follow.fixes + 1 } }
      : state,

  'unattended.armed': (state, { until }) => ({ ...state, unattendedUntil: until }),
  'unattended.ended': (state, { reason, detail, at }) => {
    const { unattendedUntil: _over, ...rest } = state;
    if (reason === 'used' || reason === 'cancelled') return rest;
    const why = reason === 'expired' ? 'The time for it is over' : (detail ?? 'It failed');
    return notice(rest, 'warning', `No pull request was opened by itself. ${why}.`, at);
  },

  'log.compacted': (state) => state,
};

function withMode(state: TaskState, turnId: string, mode: Turn['mode']): TaskState {
  return mode === undefined ? state : inTurn(state, turnId, (turn) => ({ ...turn, mode }));
}

/** A turn that waits no longer; how long it did is not the agent's time. */
function goingOn({ waiting: _waiting, restingSince, ...turn }: Turn, at: number): Turn {
  return restingSince === undefined ? turn : { ...turn, restedMs: (turn.restedMs ?? 0) + at - restingSince };
}

/** What is done about a model call that failed. */
function again(delayMs: number, next: string | undefined): string {
  const other = next === undefined ? '' : ` with ${next}`;
  if (delayMs === 0) return next === undefined ? 'Trying again.' : `Going on${other}.`;
  return `Trying again${other} in ${Math.ceil(delayMs / 1000)} s.`;
}

function inChecks(state: TaskState, turnId: string, change: (checks: Check[]) => Check[]): TaskState {
  return inTurn(state, turnId, (turn) => ({ ...turn, checks: change(turn.checks ?? []) }));
}

function inPublish(
  state: TaskState,
  publishId: string,
  change: Partial<NonNullable<TaskState['publish']>>,
): TaskState {
  if (state.publish?.publishId !== publishId) return state;
  return { ...state, publish: { ...state.publish, ...change } };
}
