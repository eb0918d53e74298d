import * as vscode from 'vscode';
import type { RelayClient } from '../../server/protocol/client.ts';
import type { Panel } from '../chat/panel.ts';
import { tokenNow } from '../github/session.ts';
import type { TaskStore } from '../relay/task-store.ts';
import { createPullRequestWatch } from './watch.ts';

export interface WatchShownDeps {
  panel: () => Pick<Panel, 'taskId' | 'shows'>;
  store: Pick<TaskStore, 'state'>;
  client: () => Promise<RelayClient>;
  /** Says a failure to the log only. */
  quietly: (work: Promise<unknown>) => Promise<void>;
}

/** Keeps the pull request up to date whose task the person has on screen, as long as they need not be asked to sign in for it. */
export function watchShownPullRequest({ panel, store, client, quietly }: WatchShownDeps) {
  const watch = createPullRequestWatch({
    shown() {
      const taskId = panel().taskId();
      const isSeen = taskId !== null && panel().shows(taskId) && vscode.window.state.focused;
      return isSeen ? store.state(taskId) : undefined;
    },
    refresh: ({ taskId, source }) =>
      quietly(
        tokenNow({ remote: source?.remote, scopes: ['repo'] }).then(
          async (token) => token && (await client()).refreshPullRequest(taskId, token),
        ),
      ),
    now: Date.now,
  });
  const subscriptions = vscode.Disposable.from(
    vscode.window.onDidChangeWindowState(({ focused }) => {
      if (focused) void watch.look(true);
    }),
    vscode.authentication.onDidChangeSessions(watch.forget),
  );
  return { look: () => watch.look(), dispose: () => subscriptions.dispose() };
}
