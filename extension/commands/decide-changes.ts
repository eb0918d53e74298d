import * as vscode from 'vscode';
import type { UnitState } from '../../server/protocol/review.ts';
import type { App } from '../app.ts';
import { partsOf } from '../review/outline.ts';
import type { LineChange } from '../review/placing.ts';
import type { ReviewNode } from '../review/rows.ts';
import { type Decision, decisionOf, tellUndone } from './review-argument.ts';
import { type ReviewTarget, targetOf } from './review-target.ts';

/**
 * `handoff.keepChange`, `handoff.undoChange`, `handoff.undecide`: decides on a change, or on all of a row of the review. From the keyboard it is
 * the change at the cursor, and the next one comes up.
 */
export function decideChanges(state: UnitState) {
  return (app: App) =>
    async (
      target?: ReviewTarget,
      more?: readonly (ReviewNode | LineChange)[],
      index?: number,
    ): Promise<Decision> => {
      const { review, items, kept = items } = await targetOf(app, target, more, index);
      const some = state === 'accepted' ? kept : items;
      const decided = await app.review.setState(review.taskId, partsOf(some), state);
      tellUndone(items.length - some.length);
      if (target === undefined && state !== 'pending') await app.reviewEditor.goTo('next');
      return decisionOf(decided);
    };
}

/** `handoff.undoDecision` and `handoff.redoDecision`: the newest decision of this window, and the ones before it. */
export function stepDecision(direction: 'undo' | 'redo') {
  return (app: App) => async (): Promise<boolean> => {
    const wasOne = await app.review.step(direction);
    if (!wasOne) {
      const said =
        direction === 'undo'
          ? vscode.l10n.t('Nothing was decided in this window.')
          : vscode.l10n.t('No decision was undone.');
      void vscode.window.setStatusBarMessage(said, 5000);
    }
    return wasOne;
  };
}

/** `handoff.nextChange` and `handoff.previousChange` */
export function goToChange(direction: 'next' | 'previous') {
  return (app: App) => (): Promise<void> => app.reviewEditor.goTo(direction);
}
