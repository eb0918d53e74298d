import type { Answer, Selection } from '../../server/protocol/commands.ts';
import type { SlashCommandInfo } from '../../server/protocol/slash-commands.ts';
import { toFailure } from '../ui/failure.ts';
import type { FromPanelHandlers, TaskAction } from './messages.ts';
import type { Panel } from './panel.ts';
import type { SetupWatch } from './setup.ts';

/** What the panel may ask for; each does it, or rejects with what is shown to the person. */
export interface PanelActions {
  /** Before there is a task. Never rejects: nobody waits for it. */
  makeReady(): Promise<void>;
  delegate(text: string, selection: Selection[], clientId: string, mode?: 'plan'): Promise<string>;
  send(taskId: string, text: string, selection: Selection[], clientId: string, mode?: 'plan'): Promise<void>;
  /** What a message may begin with; nothing where that cannot be said now. Never rejects: nobody waits for it. */
  commands(taskId: string | null): Promise<SlashCommandInfo[] | undefined>;
  answer(taskId: string, questionId: string, answer: Answer): Promise<unknown>;
  editMessage(taskId: string, messageId: string, text: string): Promise<void>;
  withdrawMessage(taskId: string, messageId: string): Promise<void>;
  stop(taskId: string): Promise<unknown>;
  stopAgent(taskId: string, agentId: string): Promise<unknown>;
  archive(taskId: string): Promise<unknown>;
  review(taskId: string, path: string | null): Promise<unknown>;
  pullRequest(taskId: string): Promise<unknown>;
  taskAction(taskId: string, action: TaskAction): Promise<unknown>;
  rollBack(taskId: string, turnId: string): Promise<unknown>;
  preview(taskId: string): Promise<unknown>;
  openFile(taskId: string, path: string, line: number | null): Promise<void>;
  openExternal(url: string): Promise<void>;
  copy(text: string): Promise<void>;
  setUpModel(): Promise<unknown>;
  fixWorkspace(): Promise<void>;
  previewUncommitted(): Promise<unknown>;
  retryConnection(): Promise<void>;
  showLog(): void;
}

export interface HandlerDeps {
  panel: Panel;
  setup: SetupWatch;
  actions: PanelActions;
  /** Reads the task list again. Never rejects. */
  refresh: () => Promise<void>;
}

/** One handler a message of the panel. Those that settle never reject: their failure goes into the panel. */
export function createHandlers({ panel, setup, actions, refresh }: HandlerDeps): FromPanelHandlers {
  /** Commands on their way: a panel that was reloaded sends the same one again, and both are told how it ended. */
  const underway = new Map<string, Promise<void>>();

  function settle(clientId: string, work: () => Promise<void>): Promise<void> {
    const known = underway.get(clientId);
    const run = known ?? work().finally(() => underway.delete(clientId));
    underway.set(clientId, run);
    return run.then(
      () => panel.settled(clientId, null),
      (error: unknown) => panel.settled(clientId, toFailure(error)),
    );
  }

  return {
    ready: async ({ taskId }) => {
      await panel.connect(taskId);
      await Promise.all([setup.refresh(), refresh()]);
    },
    typing: async () => void (await Promise.all([actions.makeReady(), setup.lookAtWork()])),
    delegate: ({ clientId, text, selection, mode }) =>
      settle(clientId, async () => {
        await panel.showTask(await actions.delegate(text, selection, clientId, ...(mode ? [mode] : [])));
      }),
    send: ({ clientId, taskId, text, selection, mode }) =>
      settle(clientId, () => actions.send(taskId, text, selection, clientId, ...(mode ? [mode] : []))),
    commands: async ({ taskId }) => {
      const commands = await actions.commands(taskId);
      if (commands) panel.commands(taskId, commands);
    },
    answer: ({ clientId, taskId, questionId, answer }) =>
      settle(clientId, async () => void (await actions.answer(taskId, questionId, answer))),
    editMessage: ({ clientId, taskId, messageId, text }) =>
      settle(clientId, () => actions.editMessage(taskId, messageId, text)),
    withdrawMessage: ({ clientId, taskId, messageId }) =>
      settle(clientId, () => actions.withdrawMessage(taskId, messageId)),
    stop: async ({ taskId }) => void (await actions.stop(taskId)),
    stopAgent: async ({ taskId, agentId }) => void (await actions.stopAgent(taskId, agentId)),
    openTask: ({ taskId }) => panel.showTask(taskId),
    newTask: () => {
      panel.newTask();
      return setup.lookAtWork();
    },
    showList: async () => {
      panel.showList();
      await refresh();
    },
    review: async ({ taskId, path }) => void (await actions.review(taskId, path)),
    pullRequest: async ({ taskId }) => void (await actions.pullRequest(taskId)),
    rollBack: async ({ taskId, turnId }) => void (await actions.rollBack(taskId, turnId)),
    taskAction: async ({ taskId, action }) => void (await actions.taskAction(taskId, action)),
    preview: async ({ taskId }) => void (await actions.preview(taskId)),
    openFile: ({ taskId, path, line }) => actions.openFile(taskId, path, line),
    openExternal: ({ url }) => actions.openExternal(url),
    copy: ({ text }) => actions.copy(text),
    setUpModel: async () => void (await actions.setUpModel()),
    fixWorkspace: () => actions.fixWorkspace(),
    previewUncommitted: async () => void (await actions.previewUncommitted()),
    retryConnection: () => actions.retryConnection(),
    showLog: () => actions.showLog(),
    archive: async ({ taskId }) => void (await actions.archive(taskId)),
  };
}
