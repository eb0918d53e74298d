import * as vscode from 'vscode';
import type { RelayClient } from '../../server/protocol/client.ts';
import type { SourceSummary } from '../../server/protocol/source.ts';
import { autosaveProposals } from './autosave.ts';
import { createContents } from './contents.ts';
import { createConversation } from './conversation.ts';
import { createReviewDocuments } from './documents.ts';
import { createGutter } from './gutter.ts';
import { goToChange } from './navigate.ts';
import { openMultiDiff, trackReviewTab } from './open-review.ts';
import { firstOpen, partsOfReview } from './parts.ts';
import { createProposalEdits } from './proposal-edits.ts';
import type { Review, ReviewSession } from './session.ts';
import { createReviewThreads } from './threads.ts';
import { createReviewTree } from './tree.ts';
import { REVIEW_SCHEME } from './uris.ts';

export interface ReviewEditorDeps {
  session: ReviewSession;
  client: () => Promise<RelayClient>;
  report: (error: unknown) => void;
  /** The roots of the person's repositories that a task is about. */
  rootsOf: (source: SourceSummary) => Promise<string[]>;
}

export type ReviewEditor = ReturnType<typeof createReviewEditor>;

/** All that shows the review in the editor: documents, threads, tree. What is decided and said goes to the relay, and comes from there. */
export function createReviewEditor({ session, client, report, rootsOf }: ReviewEditorDeps) {
  const contents = createContents(client);
  const edits = createProposalEdits({ session, contents });
  const documents = createReviewDocuments({ session, contents, edits });
  const { subjectOf, setEditing, disposable: threads } = createReviewThreads(session);
  const gutter = createGutter({ session, rootsOf, report });
  const tree = createReviewTree({ session, report });
  const disposable = vscode.Disposable.from(
    vscode.workspace.registerFileSystemProvider(REVIEW_SCHEME, documents.provider, { isCaseSensitive: true }),
    autosaveProposals({ session, documents, contents }),
    threads,
    gutter.disposable,
    tree.disposable,
    trackReviewTab((taskId) => {
      if (session.current()?.taskId !== taskId) session.load(taskId).catch(report);
    }),
  );
  let opened: { taskId: string; part: number } | undefined;
  return {
    subjectOf,
    setEditing,
    fileOf: gutter.fileOf,
    /** The rows of the "Review" view that are selected. */
    selection: tree.selection,
    goTo: goToChange,
    /** Opens the files of the proposal in one multi-diff editor: those that are to be decided first, or the next ones. */
    async open(review: Review, { isNext = false } = {}): Promise<void> {
      const parts = partsOfReview(review.files);
      const at = opened?.taskId === review.taskId && isNext ? opened.part + 1 : firstOpen(parts);
      const part = parts[at % parts.length];
      if (!part) return;
      opened = { taskId: review.taskId, part: at % parts.length };
      void vscode.commands.executeCommand('setContext', 'handoff.hasParts', parts.length > 1);
      contents.prefetch(
        review.taskId,
        part.files.flatMap(({ file, from }) => (from ? [file, from] : [file])),
      );
      await openMultiDiff(review, part);
    },
    conversation: createConversation({ session, client }),
    dispose: () => disposable.dispose(),
  };
}
