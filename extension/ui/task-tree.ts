import * as vscode from 'vscode';
import type { TaskSummary } from '../../server/protocol/task.ts';
import { isActive, type TaskStore } from '../relay/task-store.ts';
import { fileCount } from './counts.ts';

/** A row of the task list: what its commands get. */
export interface TaskNode {
  taskId: string;
}

type Status = TaskSummary['status'];

/** Codicon and theme colour of each status. */
const ICONS: { [S in Status]: [icon: string, color?: string] } = {
  idle: ['circle-outline'],
  running: ['loading~spin'],
  waiting: ['watch'],
  asking: ['question', 'notificationsWarningIcon.foreground'],
  stopping: ['loading~spin'],
  completed: ['pass', 'testing.iconPassed'],
  stopped: ['circle-slash'],
  failed: ['error', 'testing.iconFailed'],
  archived: ['archive'],
};

/** All tasks of the relay, newest first. Those that were archived are left out. */
export function createTaskTree(store: TaskStore, onVisible: (visible: boolean) => void): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const listed = () => store.tasks().filter(({ status }) => status !== 'archived');
  const view = vscode.window.createTreeView<TaskNode>('handoff.tasks', {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => (node ? [] : listed().map(({ taskId }) => ({ taskId }))),
      getTreeItem: ({ taskId }) => {
        const task = store.tasks().find((candidate) => candidate.taskId === taskId);
        return task ? itemOf(task) : new vscode.TreeItem(taskId);
      },
    },
  });
  store.events.on('tasks', () => changed.fire());
  view.onDidChangeVisibility(({ visible }) => onVisible(visible));
  return vscode.Disposable.from(view, changed);
}

function itemOf(task: TaskSummary): vscode.TreeItem {
  const { taskId, title, status, repository, changedFiles, pullRequestUrl } = task;
  const [icon, color] = ICONS[status];
  const words = statusWord(status);
  const files = changedFiles > 0 ? fileCount(changedFiles) : '';
  const item = new vscode.TreeItem(title || vscode.l10n.t('New task'));
  item.id = taskId;
  item.iconPath = pullRequestUrl
    ? new vscode.ThemeIcon('git-pull-request', new vscode.ThemeColor('charts.green'))
    : new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
  item.description = [words, files].filter(Boolean).join(' · ');
  item.tooltip = [title, repository, words, files, pullRequestUrl].filter(Boolean).join('\n');
  item.contextValue = contextOf(task);
  item.accessibilityInformation = { label: [title, words, files].filter(Boolean).join(', ') };
  item.command = { command: 'handoff.openTask', title: vscode.l10n.t('Open Task'), arguments: [{ taskId }] };
  return item;
}

/** Words that the menus' `when` clauses look for. */
function contextOf({ status, changedFiles }: TaskSummary): string {
  const running = isActive(status) && status !== 'idle';
  return ['task', running ? 'running' : 'ended', changedFiles > 0 ? 'changed' : ''].filter(Boolean).join('.');
}

export function statusWord(status: Status): string {
  const words = {
    idle: vscode.l10n.t('not started'),
    running: vscode.l10n.t('running'),
    waiting: vscode.l10n.t('waiting'),
    asking: vscode.l10n.t('needs you'),
    stopping: vscode.l10n.t('stopping'),
    completed: vscode.l10n.t('completed'),
    stopped: vscode.l10n.t('stopped'),
    failed: vscode.l10n.t('failed'),
    archived: vscode.l10n.t('archived'),
  };
  return words[status];
}
