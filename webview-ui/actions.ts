import type { Answer } from '../server/protocol/commands.ts';
import type { TaskState } from '../server/protocol/task.ts';
import { isUnderway } from './commands.ts';
import type { Panel } from './context.ts';
import { currentDraft, type Pending } from './store.ts';
import { strings } from './strings.ts';

/** Sends what the composer holds. Nothing happens where it is empty or a message is still on its way. */
export function submitDraft(panel: Panel): void {
  const state = panel.store.get();
  const { text, selection } = currentDraft(state);
  if (text.trim() === '' || state.pending) return;
  const taskId = state.view === 'task' && state.task ? state.task.taskId : null;
  const mode = state.isPlanning ? { mode: 'plan' as const } : {};
  submit(panel, { clientId: newClientId(), taskId, text: text.trim(), selection, ...mode });
}

/**
 * Goes on from a turn that failed, leaving the draft alone. Nothing happens while a message is on its way. The turn names the
 * command, so that however often it is sent, before or after a refusal, it is one message.
 */
export function retryTurn(panel: Panel, turnId: string): void {
  const { task, pending } = panel.store.get();
  if (task === null || pending) return;
  const head = { clientId: `retry:${turnId}`, taskId: task.taskId };
  submit(panel, { ...head, text: strings.turn.retryText, selection: [], ours: true });
}

function submit(panel: Panel, pending: Pending): void {
  panel.store.dispatch({ type: 'submitted', pending });
  postPending(panel, pending);
}

/** Also for a command that a reload cut off: its `clientId` makes the second sending the same command. */
export function postPending({ host }: Panel, { clientId, taskId, text, selection, mode }: Pending): void {
  const message = { clientId, text, selection, ...(mode ? { mode } : {}) };
  host.post(taskId === null ? { type: 'delegate', ...message } : { type: 'send', taskId, ...message });
}

/** Answers a question of the task that is shown. Nothing happens while an answer to it is on its way. */
export function answerQuestion(panel: Panel, questionId: string, answer: Answer): void {
  const head = begin(panel, questionId);
  if (head === null) return;
  const { clientId, taskId } = head;
  panel.store.dispatch({ type: 'commanded', command: { ...head, kind: 'answer', answer } });
  panel.host.post({ type: 'answer', clientId, taskId, questionId, answer });
}

type Queued = TaskState['queue'][number];

/** Changes a queued message. A text that is empty, or what the message says already, is no change. */
export function editQueued(panel: Panel, { messageId, text: before }: Queued, typed: string): void {
  const text = typed.trim();
  if (text === '' || text === before) {
    panel.store.dispatch({ type: 'fieldEdited', id: messageId, text: null });
    return;
  }
  const head = begin(panel, messageId);
  if (head === null) return;
  const { clientId, taskId } = head;
  panel.store.dispatch({ type: 'commanded', command: { ...head, kind: 'edit', text, before } });
  panel.host.post({ type: 'editMessage', clientId, taskId, messageId, text });
}

/** Takes a queued message back; its text goes into the composer, if that is empty. */
export function withdrawQueued(panel: Panel, { messageId, text }: Queued): void {
  const head = begin(panel, messageId);
  if (head === null) return;
  const { clientId, taskId } = head;
  panel.store.dispatch({ type: 'commanded', command: { ...head, kind: 'withdraw', text } });
  panel.host.post({ type: 'withdrawMessage', clientId, taskId, messageId });
}

/** What every command about one thing has; null where there is no task, or a command about it is on its way. */
function begin({ store }: Panel, subject: string) {
  const { task, commands } = store.get();
  if (task === null || isUnderway(commands[subject])) return null;
  return { clientId: newClientId(), taskId: task.taskId, subject, taken: false, failure: null };
}

/** 128 random bits. (`crypto.randomUUID` is missing where VS Code is served over plain HTTP.) */
function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
