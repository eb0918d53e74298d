import type * as vscode from 'vscode';
import type { Panel } from './chat/panel.ts';
import type { SetupWatch } from './chat/setup.ts';
import type { ChatView } from './chat/view.ts';
import type { BaseHint } from './follow/base-hint.ts';
import type { Uncommitted } from './git/capture-preview.ts';
import type { Repositories } from './git/repositories.ts';
import type { Drafts } from './github/drafts.ts';
import type { Connection } from './relay/connection.ts';
import type { TaskStore } from './relay/task-store.ts';
import type { ReviewEditor } from './review/editor.ts';
import type { ReviewSession } from './review/session.ts';
import type { Log } from './ui/log.ts';

/** What commands work with. Made once, in `main.ts`. */
export interface App {
  log: Log & Pick<vscode.LogOutputChannel, 'show'>;
  /** Tells the person what failed. */
  report: (error: unknown) => void;
  secrets: vscode.SecretStorage;
  connection: Connection;
  store: TaskStore;
  setup: SetupWatch;
  chat: ChatView;
  panel: Panel;
  review: ReviewSession;
  reviewEditor: ReviewEditor;
  repositories: Repositories;
  uncommitted: Uncommitted;
  /** Of pull requests. */
  drafts: Drafts;
  baseHint: BaseHint;
}
