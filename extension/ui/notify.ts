import * as vscode from 'vscode';
import { summaryOf, type TaskStore } from '../relay/task-store.ts';
import {
  afterEvents,
  type Notice,
  noticeOf,
  quoted,
  type Seen,
  stillSeen,
  waiting,
  withLook,
} from './attention.ts';
import { fileCount } from './counts.ts';

/** An earlier version kept numbers here: they are like no task, and so forgotten. */
const SEEN_KEY = 'handoff.seen';

export interface NotifyDeps {
  store: TaskStore;
  /** Remembers what was looked at; losing it only shows a badge once more. */
  memento: vscode.Memento;
  setBadge: (count: number) => void;
  /** Whether the person watches this task: then the chat says it, and a notification would only be in the way. */
  isWatched: (taskId: string) => boolean;
}

export type Notifier = ReturnType<typeof createNotifier>;

/** One notification when a task is ready for review, asks or failed, and a badge for as long as it waits for the person. */
export function createNotifier({ store, memento, setBadge, isWatched }: NotifyDeps) {
  const seen = (): Seen => memento.get(SEEN_KEY, {});
  const count = () => setBadge(waiting(store.tasks(), seen()).length);
  const change = (changed: (before: Seen) => Seen) => {
    const before = seen();
    const next = changed(before);
    if (next !== before) void memento.update(SEEN_KEY, next).then(count);
  };

  store.events.on('tasks', (tasks) => {
    change((before) => stillSeen(before, tasks));
    count();
  });
  store.events.on('change', ({ taskId, events, state }) => {
    change((before) => afterEvents(before, taskId, events));
    const notice = noticeOf(events, state);
    if (notice && !isWatched(notice.taskId)) void show(notice);
  });

  return {
    /** The person looks at the task as it is now. */
    look(taskId: string): void {
      const state = store.state(taskId);
      const task = state ? summaryOf(state) : store.tasks().find((task) => task.taskId === taskId);
      if (task) change((before) => withLook(before, store.tasks(), task));
    },
  };
}

async function show(notice: Notice): Promise<void> {
  const { taskId } = notice;
  const title = quoted(notice.title);
  if (notice.kind === 'review') {
    const review = vscode.l10n.t('Review Changes');
    const text = vscode.l10n.t('"{0}" is ready for review: {1} changed.', title, fileCount(notice.files));
    const answer = await vscode.window.showInformationMessage(text, review);
    if (answer === review) await vscode.commands.executeCommand('handoff.reviewChanges', { taskId });
    return;
  }
  if (notice.kind === 'question') {
    const reply = vscode.l10n.t('Answer');
    const text = vscode.l10n.t('"{0}" asks: {1}', title, quoted(notice.question));
    const answer = await vscode.window.showInformationMessage(text, reply);
    if (answer === reply) await vscode.commands.executeCommand('handoff.openTask', { taskId });
    return;
  }
  const open = vscode.l10n.t('Open Task');
  const text = vscode.l10n.t('"{0}" failed. {1}', title, quoted(notice.reason));
  const answer = await vscode.window.showErrorMessage(text, open);
  if (answer === open) await vscode.commands.executeCommand('handoff.openTask', { taskId });
}
