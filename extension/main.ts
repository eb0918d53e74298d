import * as vscode from 'vscode';
import type { App } from './app.ts';
import { createActions } from './chat/actions.ts';
import { createHandlers } from './chat/handlers.ts';
import { createPanel } from './chat/panel.ts';
import { createSetup } from './chat/setup.ts';
import { createChatView } from './chat/view.ts';
import { registerCommands } from './commands/register.ts';
import { createBaseNotice } from './follow/tell-base.ts';
import { watchShownPullRequest } from './follow/watch-shown.ts';
import { createUncommitted } from './git/capture-preview.ts';
import { createRepositories } from './git/repositories.ts';
import { rootsOfTask } from './git/task-repository.ts';
import { createDrafts } from './github/drafts.ts';
import { createConnection } from './relay/connection.ts';
import { relayPlaces } from './relay/places.ts';
import { createPoll } from './relay/poll.ts';
import { createTaskStore } from './relay/task-store.ts';
import { createReviewEditor } from './review/editor.ts';
import { createReviewSession } from './review/session.ts';
import { createNotifier } from './ui/notify.ts';
import { createReport } from './ui/report.ts';
import { createTaskTree } from './ui/task-tree.ts';
import { createUriHandler } from './ui/uri-handler.ts';

/** The task list is read this often while a view of it is on screen, for tasks that began elsewhere. */
const POLL_MS = 10_000;

/** Constructs, registers, disposes. Touches no file and no network: the first view or command does. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Handoff', { log: true });
  const report = createReport(log);
  const repositories = createRepositories(context.workspaceState);
  const uncommitted = createUncommitted(context.workspaceState);
  const places = relayPlaces(context);
  const connection = createConnection({ ...places, log });
  const store = createTaskStore({ client: connection.client, onLost: connection.lost, log });
  const setup = createSetup({
    connection,
    workspace: repositories.status,
    work: async () => {
      const repository = await repositories.likely();
      return repository && uncommitted.summary(repository);
    },
  });
  const review = createReviewSession({ client: connection.client, store, report });
  const reviewEditor = createReviewEditor({
    session: review,
    client: connection.client,
    report,
    rootsOf: rootsOfTask(repositories),
  });

  /** Why the relay cannot be had is on the panel already; the log has the rest. */
  const quietly = (work: Promise<unknown>): Promise<void> =>
    work.then(
      () => {},
      (error: unknown) => log.warn(error instanceof Error ? error.message : String(error)),
    );
  const refresh = () => quietly(store.refresh());
  // A relay that would not start is not started again every few seconds, but noticed when it is there.
  const look = () => (connection.state().kind === 'unavailable' ? quietly(connection.revive()) : refresh());
  const watch = watchShownPullRequest({ panel: () => panel, store, client: connection.client, quietly });
  const poll = createPoll(() => {
    void look();
    void watch.look();
  }, POLL_MS);

  const chat = createChatView({
    distUri: vscode.Uri.joinPath(context.extensionUri, 'dist'),
    handlers: () => handlers,
    onDisconnect: () => panel.disconnect(),
    onVisible: (visible) => poll.show('chat', visible),
    report,
  });
  const notifier = createNotifier({
    store,
    memento: context.globalState,
    setBadge: chat.setBadge,
    isWatched: (taskId) => vscode.window.state.focused && panel.shows(taskId),
  });
  const panel = createPanel({ store, setup, post: chat.post, onShown: notifier.look });
  const app: App = {
    log,
    report,
    secrets: context.secrets,
    connection,
    store,
    setup,
    chat,
    panel,
    review,
    reviewEditor,
    repositories,
    uncommitted,
    drafts: createDrafts(context.workspaceState),
    baseHint: createBaseNotice({ store, client: connection.client, log }),
  };
  const handlers = createHandlers({ panel, setup, actions: createActions(app), refresh });

  connection.events.on('client', () => void quietly(store.restart()));
  const recheck = () => void setup.refresh();

  context.subscriptions.push(
    log,
    connection,
    store,
    poll,
    watch,
    registerCommands(app),
    reviewEditor,
    createTaskTree(store, (visible) => poll.show('tasks', visible)),
    vscode.window.registerWebviewViewProvider('handoff.chat', chat.provider),
    vscode.window.registerUriHandler(createUriHandler()),
    vscode.workspace.onDidChangeWorkspaceFolders(recheck),
    vscode.workspace.onDidGrantWorkspaceTrust(recheck),
    vscode.window.onDidChangeWindowState(({ focused }) => {
      if (focused && chat.isVisible()) void setup.lookAtWork();
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (!change.affectsConfiguration('handoff.relayUrl')) return;
      connection.reset();
      recheck();
    }),
  );
}
