import type { Draft, PanelView, Setup, ToPanel } from '../extension/chat/messages.ts';
import type { Selection } from '../server/protocol/commands.ts';
import type { Failure } from '../server/protocol/errors.ts';
import { reduce } from '../server/protocol/reduce.ts';
import type { SlashCommands } from '../server/protocol/slash-commands.ts';
import type { TaskState, TaskSummary } from '../server/protocol/task.ts';
import { announcements } from './announcements.ts';
import { afterChange, type Command, type QueueNotice, settle, withBefore } from './commands.ts';
import { type Fields, withField } from './fields.ts';
import { strings } from './strings.ts';

/** A message on its way: posted, and neither taken nor refused yet. `taskId` is null where it makes a task. */
export interface Pending extends Draft {
  clientId: string;
  taskId: string | null;
  /** The words are a button's: the draft stays as it is, and a refusal gives nothing back, for the button is still there. */
  ours?: true;
  /** A plan is wanted first. */
  mode?: 'plan';
}

/** Everything that the panel shows. Made by `panelReducer` and by nothing else. */
export interface PanelState {
  /** False until the first snapshot. */
  ready: boolean;
  view: PanelView;
  task: TaskState | null;
  tasks: TaskSummary[];
  setup: Setup;
  /** By task, `new` for the task that does not exist yet. */
  drafts: Record<string, Draft>;
  fields: Fields;
  pending: Pending | null;
  /** Why the last message was not taken; its text is back in the draft. */
  failure: Failure | null;
  /** By question or queued message: what the person did to it, until the task shows it. */
  commands: Record<string, Command>;
  queueNotice: QueueNotice | null;
  /** What a message may begin with, of the task for which that was asked last. */
  slash: ({ taskId: string | null } & SlashCommands) | null;
  /** Whether the next message asks for a plan. */
  isPlanning: boolean;
  openTools: ReadonlySet<string>;
  /** Sentences for a screen reader, newest last; `id` makes equal ones distinct. */
  announced: { id: number; text: string }[];
  /** Counts requests to put the focus into the composer. */
  focusRequests: number;
}

export type Action =
  | ToPanel
  | { type: 'draftEdited'; text: string }
  | { type: 'chipRemoved'; index: number }
  | { type: 'submitted'; pending: Pending }
  /** What is typed at a question or queued message; null when that is over. */
  | { type: 'fieldEdited'; id: string; text: string | null }
  | { type: 'commanded'; command: Command }
  | { type: 'planToggled' }
  | { type: 'failureDismissed' }
  | { type: 'queueNoticeDismissed' }
  /** The withdrawn text that the notice offers is to go into the composer. */
  | { type: 'withdrawnTaken' }
  | { type: 'toolToggled'; callId: string };

export const emptyDraft: Draft = { text: '', selection: [] };

/** How many announcements stay in the page; older ones were read long ago. */
const ANNOUNCEMENT_LIMIT = 20;

export const initialState: PanelState = {
  ready: false,
  view: 'new',
  task: null,
  tasks: [],
  setup: { relay: 'starting', modelConfigured: true, workspace: 'ready' },
  drafts: {},
  fields: {},
  pending: null,
  failure: null,
  commands: {},
  queueNotice: null,
  slash: null,
  isPlanning: false,
  openTools: new Set(),
  announced: [],
  focusRequests: 0,
};

/** Which draft the composer shows. */
export function draftKey(state: Pick<PanelState, 'view' | 'task'>): string {
  return state.view === 'task' && state.task ? state.task.taskId : 'new';
}

type Handlers = {
  [Type in Action['type']]: (state: PanelState, action: Extract<Action, { type: Type }>) => PanelState;
};

const handlers: Handlers = {
  snapshot: (state, { view, task, tasks, setup, draft }) => {
    const next: PanelState = { ...state, ready: true, view, task, tasks, setup };
    if (state.task?.taskId !== task?.taskId || state.view !== view) {
      next.failure = null;
      next.queueNotice = null;
    }
    const closed = { ...next, ...afterChange(next) };
    return draft ? withDraft(closed, draft) : closed;
  },
  events: (state, { taskId, events }) => {
    if (state.task?.taskId !== taskId) return state;
    const task = events.reduce(reduce, state.task);
    const next = { ...state, task };
    return announce({ ...next, ...afterChange(next) }, announcements(state.task, task));
  },
  tasks: (state, { tasks }) => ({ ...state, tasks }),
  setup: (state, { setup }) => ({ ...state, setup }),
  commands: (state, { taskId, commands }) => ({ ...state, slash: { taskId, commands } }),
  attach: (state, { selection }) => {
    const open: PanelState = state.view === 'list' ? { ...state, view: 'new', task: null } : state;
    const draft = currentDraft(open);
    const known = draft.selection.some((other) => sameSelection(other, selection));
    return {
      ...withDraft(open, known ? draft : { ...draft, selection: [...draft.selection, selection] }),
      focusRequests: open.focusRequests + 1,
    };
  },
  focusComposer: (state) => ({ ...state, focusRequests: state.focusRequests + 1 }),
  putBack: (state, { taskId, draft }) => ({
    ...state,
    drafts: { ...state.drafts, [taskId]: giveBack(draft, state.drafts[taskId] ?? emptyDraft) },
  }),
  settled: (state, { clientId, failure }) => {
    const { pending } = state;
    if (pending?.clientId !== clientId) return withSettled(state, clientId, failure);
    const settled: PanelState = { ...state, pending: null, failure };
    if (failure === null || pending.ours) return settled;
    const key = pending.taskId ?? 'new';
    return {
      ...settled,
      isPlanning: state.isPlanning || pending.mode === 'plan',
      drafts: { ...state.drafts, [key]: giveBack(pending, state.drafts[key] ?? emptyDraft) },
    };
  },

  draftEdited: (state, { text }) => withDraft(state, { ...currentDraft(state), text }),
  chipRemoved: (state, { index }) => {
    const draft = currentDraft(state);
    return withDraft(state, { ...draft, selection: draft.selection.toSpliced(index, 1) });
  },
  submitted: (state, { pending }) => {
    const sent: PanelState = { ...state, pending, failure: null, queueNotice: null };
    return pending.ours ? sent : withDraft({ ...sent, isPlanning: false }, emptyDraft);
  },
  fieldEdited: (state, { id, text }) =>
    state.task === null ? state : { ...state, fields: withField(state.fields, state.task.taskId, id, text) },
  commanded: (state, { command }) => ({
    ...state,
    commands: { ...state.commands, [command.subject]: command },
    // What was written stays in its field until the relay has it: a page that is thrown away forgets its commands.
    fields:
      command.kind === 'edit'
        ? withField(state.fields, command.taskId, command.subject, command.text)
        : state.fields,
    queueNotice: null,
  }),
  planToggled: (state) => ({ ...state, isPlanning: !state.isPlanning }),
  failureDismissed: (state) => ({ ...state, failure: null }),
  queueNoticeDismissed: (state) => ({ ...state, queueNotice: null }),
  withdrawnTaken: (state) => {
    const { task, queueNotice, drafts, focusRequests } = state;
    if (task === null || queueNotice?.text === undefined) return state;
    const withText = withBefore(drafts, { taskId: task.taskId, text: queueNotice.text });
    return { ...state, drafts: withText, queueNotice: null, focusRequests: focusRequests + 1 };
  },
  toolToggled: (state, { callId }) => {
    const openTools = new Set(state.openTools);
    if (!openTools.delete(callId)) openTools.add(callId);
    return { ...state, openTools };
  },
};

/** Pure; a gap in the events throws, for the extension sends none. */
export function panelReducer(state: PanelState, action: Action): PanelState {
  const handle = handlers[action.type] as (state: PanelState, action: Action) => PanelState;
  return handle(state, action);
}

export function currentDraft(state: PanelState): Draft {
  return state.drafts[draftKey(state)] ?? emptyDraft;
}

function withDraft(state: PanelState, draft: Draft): PanelState {
  return { ...state, drafts: { ...state.drafts, [draftKey(state)]: draft } };
}

function withSettled(state: PanelState, clientId: string, failure: Failure | null): PanelState {
  const command = Object.values(state.commands).find((candidate) => candidate.clientId === clientId);
  if (command === undefined) return state;
  const settled = { ...state, ...settle(state, clientId, failure) };
  const says = command.kind === 'withdraw' && failure === null;
  return says ? announce(settled, [strings.queue.withdrawn]) : settled;
}

/** What was not taken comes before what has been typed since. */
function giveBack(refused: Draft, typed: Draft): Draft {
  return {
    text: typed.text === '' ? refused.text : `${refused.text}\n\n${typed.text}`,
    selection: [...refused.selection, ...typed.selection],
  };
}

function sameSelection(left: Selection, right: Selection): boolean {
  return left.path === right.path && left.startLine === right.startLine && left.endLine === right.endLine;
}

function announce(state: PanelState, texts: string[]): PanelState {
  if (texts.length === 0) return state;
  const from = (state.announced.at(-1)?.id ?? 0) + 1;
  const added = texts.map((text, index) => ({ id: from + index, text }));
  return { ...state, announced: [...state.announced, ...added].slice(-ANNOUNCEMENT_LIMIT) };
}

export interface Store {
  get(): PanelState;
  subscribe(listener: () => void): () => void;
  /** State changes at once; listeners hear of `events` at the next frame, of everything else at once. */
  dispatch(action: Action): void;
}

/** @param nextFrame runs its argument before the next frame; a stream of events is rendered once a frame, not once each */
export function createStore(initial: PanelState, nextFrame: (run: () => void) => void): Store {
  let state = initial;
  let waiting = false;
  const listeners = new Set<() => void>();
  const notify = () => {
    waiting = false;
    for (const listener of listeners) listener();
  };
  return {
    get: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch(action) {
      state = panelReducer(state, action);
      if (action.type !== 'events') notify();
      else if (!waiting) {
        waiting = true;
        nextFrame(() => waiting && notify());
      }
    },
  };
}
