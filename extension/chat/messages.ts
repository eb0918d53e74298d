import type { Answer, Selection } from '../../server/protocol/commands.ts';
import type { Failure } from '../../server/protocol/errors.ts';
import type { TaskEvent } from '../../server/protocol/events.ts';
import type { SlashCommandInfo } from '../../server/protocol/slash-commands.ts';
import type { TaskState, TaskSummary } from '../../server/protocol/task.ts';

/**
 * What the chat panel (webview-ui) and the extension say to each other, and nothing else: no token, no relay address.
 * The panel renders what the extension tells it; it asks for everything else by a message, which answers nothing by itself.
 */

/** Which page the panel shows: one task's chat, all tasks, or the composer of a task that does not exist yet. */
export type PanelView = 'task' | 'list' | 'new';

/** What must be in place before a task can be delegated. The panel turns each lack into a sentence and a button. */
export interface Setup {
  relay: 'starting' | 'connected' | 'reconnecting' | 'unavailable';
  /** Why the relay cannot be used, and what to do about it; shown as they are. */
  message?: string;
  nextAction?: string;
  modelConfigured: boolean;
  workspace: 'ready' | 'no-folder' | 'no-git' | 'untrusted';
  /** Name of the repository that a new task would work on. */
  repository?: string;
  /** The uncommitted work in it: how many files would travel, of how many bytes, and how many would stay. */
  work?: { files: number; bytes: number; left: number };
}

/** Text and chips that wait in the composer. */
export interface Draft {
  text: string;
  selection: Selection[];
}

/** What the panel's buttons do with what a task has come to; the extension asks for whatever else is needed. */
export const TASK_ACTIONS = [
  'apply',
  'more',
  'refreshPullRequest',
  'fixChecks',
  'fixComments',
  'unattended',
  'followPullRequest',
] as const;
export type TaskAction = (typeof TASK_ACTIONS)[number];

export type ToPanel =
  /** Everything the panel shows, complete: the answer to `ready`, and after every change of view or task. */
  | {
      type: 'snapshot';
      view: PanelView;
      task: TaskState | null;
      tasks: TaskSummary[];
      setup: Setup;
      /** Goes into the composer; absent: whatever the person has typed stays. */
      draft?: Draft;
    }
  /** What came after the snapshot's `seq`, in order and without a gap; the panel runs `reduce`. */
  | { type: 'events'; taskId: string; events: TaskEvent[] }
  | { type: 'tasks'; tasks: TaskSummary[] }
  | { type: 'setup'; setup: Setup }
  /** "Delegate" was chosen on a file or selection: it becomes a chip in the composer, which gets the focus. */
  | { type: 'attach'; selection: Selection }
  | { type: 'focusComposer' }
  /** What the person had said goes back into the composer of that task, before what they have typed there since. */
  | { type: 'putBack'; taskId: string; draft: Draft }
  /** What a message may begin with: of the task, or of one that does not exist yet. */
  | { type: 'commands'; taskId: string | null; commands: SlashCommandInfo[] }
  /** How a command with a `clientId` ended. The panel keeps what was written until then, and gives it back after a failure. */
  | { type: 'settled'; clientId: string; failure: Failure | null };

export type FromPanel =
  /** The panel listens now, and last showed this task. Answered by a snapshot. */
  | { type: 'ready'; taskId: string | null }
  /**
   * `clientId` is made by the panel and becomes the command's own: sending it twice is one task or message.
   * A panel that was reloaded before `settled` sends the same command again.
   */
  /** The person begins to write a task: what it will begin from may be made ready. */
  | { type: 'typing' }
  /** `mode`: a plan is wanted first. */
  | { type: 'delegate'; clientId: string; text: string; selection: Selection[]; mode?: 'plan' }
  | { type: 'send'; clientId: string; taskId: string; text: string; selection: Selection[]; mode?: 'plan' }
  /** The person begins a message with `/`. Answered by `commands`, or not at all. */
  | { type: 'commands'; taskId: string | null }
  /** Answers a question of the agent. */
  | { type: 'answer'; clientId: string; taskId: string; questionId: string; answer: Answer }
  /** Changes or takes back a message that the agent has not read yet. */
  | { type: 'editMessage'; clientId: string; taskId: string; messageId: string; text: string }
  | { type: 'withdrawMessage'; clientId: string; taskId: string; messageId: string }
  | { type: 'stop'; taskId: string }
  /** Ends one subagent of the running turn, with those who work for it; its parent goes on. */
  | { type: 'stopAgent'; taskId: string; agentId: string }
  | { type: 'openTask'; taskId: string }
  | { type: 'newTask' }
  | { type: 'showList' }
  /** Opens the review of the whole proposal, or at one path of it. */
  | { type: 'review'; taskId: string; path: string | null }
  | { type: 'pullRequest'; taskId: string }
  | { type: 'taskAction'; taskId: string; action: TaskAction }
  /** Back to before that turn; the extension asks whether that is meant. */
  | { type: 'rollBack'; taskId: string; turnId: string }
  /** Opens what listens in the task's sandbox; which port is asked then. */
  | { type: 'preview'; taskId: string }
  /** `path` came from the model or the transcript: relative to the repository, not yet checked. `line` is 1-based. */
  | { type: 'openFile'; taskId: string; path: string; line: number | null }
  /** `url` came from the model or an event: the extension checks its scheme again. */
  | { type: 'openExternal'; url: string }
  | { type: 'copy'; text: string }
  | { type: 'setUpModel' }
  /** Mends what `setup.workspace` lacks: opens a folder, initialises a repository, or manages trust. */
  | { type: 'fixWorkspace' }
  /** Shows what of the uncommitted work travels, to choose from. */
  | { type: 'previewUncommitted' }
  | { type: 'retryConnection' }
  | { type: 'showLog' }
  | { type: 'archive'; taskId: string };

type Message = ToPanel | FromPanel;
export type MessageOf<Type extends Message['type']> = Extract<Message, { type: Type }>;

/** One handler a message: a missing one does not compile. */
export type ToPanelHandlers = {
  [Type in ToPanel['type']]: (message: Extract<ToPanel, { type: Type }>) => void;
};
export type FromPanelHandlers = {
  [Type in FromPanel['type']]: (message: Extract<FromPanel, { type: Type }>) => void | Promise<void>;
};

type Check = (value: unknown) => boolean;
type Shapes = {
  [Type in FromPanel['type']]: {
    [Field in Exclude<keyof Extract<FromPanel, { type: Type }>, 'type'>]: Check;
  };
};

const text: Check = (value) => typeof value === 'string';
const plan: Check = (value) => value === 'plan';
const line: Check = (value) => Number.isInteger(value) && Number(value) >= 1;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const selections: Check = (value) =>
  Array.isArray(value) &&
  value.every(
    (item) =>
      isRecord(item) &&
      text(item['path']) &&
      optional(line)(item['startLine']) &&
      optional(line)(item['endLine']),
  );

const answer: Check = (value) =>
  isRecord(value) &&
  ((value['kind'] === 'choice' && text(value['label'])) ||
    (value['kind'] === 'text' && text(value['text'])) ||
    value['kind'] === 'dismissed');

const shapes: Shapes = {
  ready: { taskId: orNull(text) },
  typing: {},
  delegate: { clientId: text, text, selection: selections, mode: optional(plan) },
  send: { clientId: text, taskId: text, text, selection: selections, mode: optional(plan) },
  commands: { taskId: orNull(text) },
  answer: { clientId: text, taskId: text, questionId: text, answer },
  editMessage: { clientId: text, taskId: text, messageId: text, text },
  withdrawMessage: { clientId: text, taskId: text, messageId: text },
  stop: { taskId: text },
  stopAgent: { taskId: text, agentId: text },
  openTask: { taskId: text },
  newTask: {},
  showList: {},
  review: { taskId: text, path: orNull(text) },
  pullRequest: { taskId: text },
  rollBack: { taskId: text, turnId: text },
  taskAction: { taskId: text, action: (value) => TASK_ACTIONS.some((action) => action === value) },
  preview: { taskId: text },
  openFile: { taskId: text, path: text, line: orNull(line) },
  openExternal: { url: text },
  copy: { text },
  setUpModel: {},
  fixWorkspace: {},
  previewUncommitted: {},
  retryConnection: {},
  showLog: {},
  archive: { taskId: text },
};

/** Whether what a webview posted is a message that this extension knows, with fields of the right types. */
export function isFromPanel(value: unknown): value is FromPanel {
  if (!isRecord(value) || typeof value['type'] !== 'string' || !Object.hasOwn(shapes, value['type']))
    return false;
  const shape: Record<string, Check> = shapes[value['type'] as FromPanel['type']];
  return Object.entries(shape).every(([field, check]) => check(value[field]));
}
