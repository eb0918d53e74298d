import * as vscode from 'vscode';
import type { Contents } from './contents.ts';
import { BYTE_ORDER_MARK, type ReviewDocuments } from './documents.ts';
import { unitsIn } from './kept.ts';
import type { Review, ReviewSession } from './session.ts';
import { fromReviewUri } from './uris.ts';

/** After a change that is a decision, and after one that may be the middle of a word, in ms. */
const DECISION_MS = 100;
const TYPING_MS = 1000;

export interface AutosaveDeps {
  session: ReviewSession;
  documents: ReviewDocuments;
  contents: Contents;
}

/**
 * Saves proposal documents by itself: they are views of what the relay has, and a dirty one is no longer brought up to date. What
 * cannot be saved because the agent works is saved when it has ended.
 */
export function autosaveProposals({ session, documents, contents }: AutosaveDeps): vscode.Disposable {
  const timers = new Map<string, NodeJS.Timeout>();
  const failed = new Set<vscode.TextDocument>();

  function schedule(document: vscode.TextDocument, afterMs: number): void {
    const key = document.uri.toString();
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(async () => {
        timers.delete(key);
        if (!document.isDirty || document.isClosed) return;
        // VS Code tells the person itself what a save failed of.
        const isSaved = await documents.save(document);
        if (isSaved) failed.delete(document);
        else failed.add(document);
      }, afterMs),
    );
  }

  /** Whether the document has nothing that is the person's own. */
  async function isDecision(document: vscode.TextDocument): Promise<boolean> {
    const place = fromReviewUri(document.uri);
    const review = session.current();
    const file = review?.changes.files.find(({ path }) => path === place?.path);
    if (!place || !review || !file || review.taskId !== place.taskId || file.hunks.length === 0) return false;
    const { version } = document;
    const { runs, base, proposal } = await contents.texts(place.taskId, file);
    const mark = (base || proposal).startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
    return document.version === version && unitsIn(runs, mark + document.getText()) !== undefined;
  }

  let wasWorking = false;
  /** The agent has ended: what could not be saved before may be saved now. */
  function retry(review: Review | undefined): void {
    const isWorking = review?.isWorking ?? false;
    if (wasWorking && !isWorking) for (const document of failed) schedule(document, DECISION_MS);
    wasWorking = isWorking;
  }
  session.events.on('change', retry);

  return vscode.Disposable.from(
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      const isOurs = fromReviewUri(document.uri)?.side === 'proposal';
      if (!isOurs) return;
      // So is told, too, that it was saved or reverted.
      if (!document.isDirty && contentChanges.length === 0) documents.refresh(document.uri);
      if (!document.isDirty || contentChanges.length === 0) return;
      schedule(document, TYPING_MS);
      void isDecision(document).then(
        (yes) => yes && document.isDirty && schedule(document, DECISION_MS),
        () => {},
      );
    }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      failed.delete(document);
      if (fromReviewUri(document.uri)) documents.forget(document.uri);
    }),
    new vscode.Disposable(() => {
      for (const timer of timers.values()) clearTimeout(timer);
      session.events.off('change', retry);
    }),
  );
}
