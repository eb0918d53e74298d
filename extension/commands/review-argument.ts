import * as vscode from 'vscode';
import { unitStates } from '../../server/protocol/ledger.ts';
import type { App } from '../app.ts';
import type { Review } from '../review/session.ts';
import { fromReviewUri } from '../review/uris.ts';
import { ExpectedError } from '../ui/failure.ts';

/** What a command about a reviewed file may be called with: a row of the review, a document's URI, or nothing. */
export type FileArgument = { taskId?: string; path: string } | vscode.Uri | undefined;

/** The file that a command is about: the one it was given, else the one that the active editor shows. */
export function fileOf(app: App, argument: FileArgument): { taskId: string; path: string } {
  const uri = argument instanceof vscode.Uri ? argument : argument === undefined ? activeUri() : undefined;
  const document = uri && fromReviewUri(uri);
  if (document) return { taskId: document.taskId, path: document.path };
  const taskId =
    argument instanceof vscode.Uri ? undefined : (argument?.taskId ?? app.review.current()?.taskId);
  if (taskId !== undefined && argument !== undefined && !(argument instanceof vscode.Uri)) {
    return { taskId, path: argument.path };
  }
  throw new ExpectedError(
    'bad_request',
    vscode.l10n.t('No file of a review is open.'),
    vscode.l10n.t('Open one from the "Review" view, or use its checkbox there.'),
  );
}

/** What a decision answers to whoever called the command. */
export interface Decision {
  taskId: string;
  accepted: string[];
  acceptedTree: string | undefined;
}

export function decisionOf({ taskId, changes, decided, acceptedTree }: Review): Decision {
  const accepted = changes.files.filter((file) =>
    [...unitStates(decided, file).values()].includes('accepted'),
  );
  return { taskId, accepted: accepted.map(({ path }) => path).sort(), acceptedTree };
}

/** What the person undid is not accepted by accepting all around it: that is said. */
export function tellUndone(count: number): void {
  if (count > 0) void vscode.window.showInformationMessage(undoneWords(count));
}

export const undoneWords = (count: number): string =>
  count === 1
    ? vscode.l10n.t('1 undone change stays undone.')
    : vscode.l10n.t('{0} undone changes stay undone.', count);

function activeUri(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputTextDiff) return input.modified;
  if (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom) return input.uri;
  return vscode.window.activeTextEditor?.document.uri;
}
