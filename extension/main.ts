import * as vscode from 'vscode';
import type { App } from './app.ts';
import { createActions } from './chat/actions.ts';
import { createHandlers } from './chat/handlers.ts';
import { createPanel } from './chat/panel.ts';
import { createSetup } from './chat/setup.ts';
import { createChatView } from './chat/view.ts';
import { registerCommands } from './commands/register.ts';
import { createRepositories } from './git/repositories.ts';
import { createConnection } from './relay/connection.ts';
import { relayPlaces } from './relay/places.ts';
import { createPoll } from './relay/poll.ts';
import { createTaskStore } from './relay/task-store.ts';
import { createReviewDocuments } from './review/documents.ts';
import { trackReviewTab } from './review/open-review.ts';
import { createReviewSession } from './review/session.ts';
import { createReviewTree } from './review/tree.ts';
import { REVIEW_SCHEME } from './review/uris.ts';
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
  const repositories = createRepositories();
  const places = relayPlaces(context);
  const connection = createConnection({ ...places, log });
  const store = createTaskStore({ client: connection.client, onLost: connection.lost, log });
  const setup = createSetup({ connection, workspace: repositories.status });
  const review = createReviewSession({ client: connection.client, store, report });

  /** Why the relay cannot be had is on the panel already; the log has the rest. */
  const quietly = (work: Promise<unknown>): Promise<void> =>
    work.then(
      () => {},
      (error: unknown) => log.warn(error instanceof Error ? error.message : String(error)),
    );
  const refresh = () => quietly(store.refresh());
  // A relay that would not start is not started again every few seconds, but noticed when it is there.
  const look = () => (connection.state().kind === 'unavailable' ? quietly(connection.revive()) : refresh());
  const poll = createPoll(() => void look(), POLL_MS);

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
    repositories,
  };
  const handlers = createHandlers({ panel, setup, actions: createActions(app), refresh });

  connection.events.on('client', () => void quietly(store.restart()));
  const recheck = () => void setup.refresh();

  context.subscriptions.push(
    log,
    connection,
    store,
    poll,
    registerCommands(app),
    createReviewTree({ session: review, report }),
    createTaskTree(store, (visible) => poll.show('tasks', visible)),
    vscode.window.registerWebviewViewProvider('handoff.chat', chat.provider),
    vscode.workspace.registerFileSystemProvider(REVIEW_SCHEME, createReviewDocuments(connection.client), {
      isCaseSensitive: true,
      isReadonly: true,
    }),
    vscode.window.registerUriHandler(createUriHandler()),
    trackReviewTab(),
    vscode.workspace.onDidChangeWorkspaceFolders(recheck),
    vscode.workspace.onDidGrantWorkspaceTrust(recheck),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (!change.affectsConfiguration('handoff.relayUrl')) return;
      connection.reset();
      recheck();
    }),
  );
}
