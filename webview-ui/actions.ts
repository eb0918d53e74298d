import type { Panel } from './context.ts';
import { currentDraft, type Pending } from './store.ts';

/** Sends what the composer holds. Nothing happens where it is empty or a message is still on its way. */
export function submitDraft(panel: Panel): void {
  const state = panel.store.get();
  const { text, selection } = currentDraft(state);
  if (text.trim() === '' || state.pending) return;
  const taskId = state.view === 'task' && state.task ? state.task.taskId : null;
  submit(panel, { clientId: newClientId(), taskId, text: text.trim(), selection });
}

/** Sends a text of our own to the task that is shown, leaving the draft alone. */
export function sendText({ store, host }: Panel, text: string): void {
  const { task, pending } = store.get();
  if (task === null || pending) return;
  host.post({ type: 'send', clientId: newClientId(), taskId: task.taskId, text, selection: [] });
}

function submit(panel: Panel, pending: Pending): void {
  panel.store.dispatch({ type: 'submitted', pending });
  postPending(panel, pending);
}

/** Also for a command that a reload cut off: its `clientId` makes the second sending the same command. */
export function postPending({ host }: Panel, { clientId, taskId, text, selection }: Pending): void {
  host.post(
    taskId === null
      ? { type: 'delegate', clientId, text, selection }
      : { type: 'send', clientId, taskId, text, selection },
  );
}

/** 128 random bits. (`crypto.randomUUID` is missing where VS Code is served over plain HTTP.) */
function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
