import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { openPreview } from '../preview/open-preview.ts';
import { revokePreviews } from '../preview/revoke-previews.ts';
import { addSecret } from '../secrets/add-secret.ts';
import { removeSecret } from '../secrets/remove-secret.ts';
import { Cancelled, toFailure } from '../ui/failure.ts';
import { acceptAll } from './accept-all.ts';
import { acceptFile } from './accept-file.ts';
import { applyChanges } from './apply-changes.ts';
import { archive } from './archive.ts';
import { bringIn } from './bring-in.ts';
import { chooseRepository } from './choose-repository.ts';
import { comment, draftCommands, resolveThread, submitReview } from './comment-on-change.ts';
import { commitToBranch } from './commit-to-branch.ts';
import { decideChanges, goToChange, stepDecision } from './decide-changes.ts';
import { delegate } from './delegate.ts';
import { newTask } from './new-task.ts';
import { openPullRequest } from './open-pull-request.ts';
import { openTask } from './open-task.ts';
import { previewUncommitted } from './preview-uncommitted.ts';
import { fixPullRequest, followPullRequest, refreshPullRequest } from './pull-request-status.ts';
import { refresh } from './refresh.ts';
import { rejectAll } from './reject-all.ts';
import { rejectFile } from './reject-file.ts';
import { reviewChanges, reviewNextPart } from './review-changes.ts';
import { rollBack } from './roll-back.ts';
import { setRelayToken } from './set-relay-token.ts';
import { setUpModel } from './set-up-model.ts';
import { showLog } from './show-log.ts';
import { showSpending } from './show-spending.ts';
import { stop } from './stop.ts';
import { taskActions } from './task-actions.ts';
import { unacceptFile } from './unaccept-file.ts';

import { unattended } from './unattended.ts';
import { updateBase } from './update-base.ts';

/** Every command of the manifest and what it does. */
const COMMANDS = {
  'handoff.delegate': delegate,
  'handoff.newTask': newTask,
  'handoff.openTask': openTask,
  'handoff.reviewChanges': reviewChanges,
  'handoff.reviewNextPart': reviewNextPart,
  'handoff.acceptFile': acceptFile,
  'handoff.unacceptFile': unacceptFile,
  'handoff.rejectFile': rejectFile,
  'handoff.acceptAll': acceptAll,
  'handoff.rejectAll': rejectAll,
  'handoff.keepChange': decideChanges('accepted'),
  'handoff.undoChange': decideChanges('rejected'),
  'handoff.undecide': decideChanges('pending'),
  'handoff.undoDecision': stepDecision('undo'),
  'handoff.redoDecision': stepDecision('redo'),
  'handoff.nextChange': goToChange('next'),
  'handoff.previousChange': goToChange('previous'),
  'handoff.addComment': comment({ isNow: false }),
  'handoff.askAgent': comment({ isNow: true }),
  'handoff.submitReview': submitReview,
  'handoff.editComment': draftCommands.edit,
  'handoff.saveComment': draftCommands.save,
  'handoff.cancelComment': draftCommands.cancel,
  'handoff.deleteComment': draftCommands.remove,
  'handoff.resolveThread': resolveThread(true),
  'handoff.reopenThread': resolveThread(false),
  'handoff.applyChanges': applyChanges,
  'handoff.commitToBranch': commitToBranch,
  'handoff.openPullRequest': openPullRequest,
  'handoff.refreshPullRequest': refreshPullRequest,
  'handoff.fixPullRequest': fixPullRequest,
  'handoff.followPullRequest': followPullRequest,
  'handoff.unattended': unattended,
  'handoff.rollBack': rollBack,
  'handoff.bringIn': bringIn,
  'handoff.updateBase': updateBase,
  'handoff.taskActions': taskActions,
  'handoff.openPreview': openPreview,
  'handoff.revokePreviews': revokePreviews,
  'handoff.addSecret': addSecret,
  'handoff.removeSecret': removeSecret,
  'handoff.previewUncommitted': previewUncommitted,
  'handoff.chooseRepository': chooseRepository,
  'handoff.stop': stop,
  'handoff.archive': archive,
  'handoff.setUpModel': setUpModel,
  'handoff.setRelayToken': setRelayToken,
  'handoff.showLog': showLog,
  'handoff.showSpending': showSpending,
  'handoff.refresh': refresh,
};

/**
 * Registers them. A failure is shown to the person and answered as `{ failure }`, so that the editor does not show its own
 * message on top; a cancellation answers nothing.
 */
export function registerCommands(app: App): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(COMMANDS).map(([name, command]) => {
      const run = command(app) as (...args: unknown[]) => Promise<unknown>;
      return vscode.commands.registerCommand(name, async (...args: unknown[]) => {
        try {
          return await run(...args);
        } catch (error) {
          app.report(error);
          return error instanceof Cancelled ? undefined : { failure: toFailure(error) };
        }
      });
    }),
  );
}
