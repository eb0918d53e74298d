import { realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { SourceSummary } from '../../server/protocol/source.ts';
import { isFacts } from './facts.ts';
import { sides } from './open-review.ts';
import { fileAt } from './placing.ts';
import type { Review, ReviewSession } from './session.ts';

export interface GutterDeps {
  session: ReviewSession;
  rootsOf: (source: SourceSummary) => Promise<string[]>;
  report: (error: unknown) => void;
}

/**
 * Marks in the gutter of the person's own files where the proposal differs, with a peek at it and its buttons. Nothing is written to
 * the files.
 */
export function createGutter({ session, rootsOf, report }: GutterDeps) {
  const files = new Map<string, { taskId: string; path: string }>();
  let control: vscode.SourceControl | undefined;
  let roots: { taskId: string; found: Promise<string[]> } | undefined;

  /** Asked for once a review: Git looks for the commit in every repository of the window. */
  function rootsFor({ taskId, source }: Review): Promise<string[]> {
    if (roots?.taskId !== taskId) roots = { taskId, found: source ? rootsOf(source) : Promise.resolve([]) };
    return roots.found;
  }

  async function original(uri: vscode.Uri): Promise<vscode.Uri | undefined> {
    const review = session.current();
    if (uri.scheme !== 'file' || !review) return undefined;
    const real = await realpath(uri.fsPath).catch(() => uri.fsPath);
    for (const root of await rootsFor(review)) {
      const path = relative(root, real).split(sep).join('/');
      const shown = fileAt(review, path);
      if (!shown || isFacts(shown.file) || shown.file.newOid === null) continue;
      files.set(uri.toString(), { taskId: review.taskId, path: shown.file.path });
      return sides(review.taskId, shown).proposal;
    }
    return undefined;
  }

  let reviewed = '';
  /** Made anew for another review or revision: the editor asks for a file's original only once. */
  function show(review: Review | undefined): void {
    const next = review ? `${review.taskId}:${review.changes.revision}` : '';
    if (next === reviewed) return;
    reviewed = next;
    control?.dispose();
    files.clear();
    control = review && vscode.scm.createSourceControl('handoff', vscode.l10n.t('Handoff Proposal'));
    if (!control) return;
    control.inputBox.visible = false;
    control.quickDiffProvider = {
      provideOriginalResource: (uri) =>
        original(uri).catch((error: unknown) => {
          report(error);
          return undefined;
        }),
    };
  }
  session.events.on('change', show);

  return {
    /** The reviewed file that one of the person's own is compared with. */
    fileOf: (uri: vscode.Uri) => files.get(uri.toString()),
    disposable: new vscode.Disposable(() => {
      session.events.off('change', show);
      control?.dispose();
    }),
  };
}
