import * as vscode from 'vscode';
import type { FileChange, UnitState } from '../../server/protocol/review.ts';
import { modeWord } from './facts.ts';
import type { Counts, ReviewFile, ReviewItem } from './outline.ts';

/** What is decided of something, in a word. */
export function stateWord(state: UnitState): string {
  const words = {
    pending: vscode.l10n.t('not decided'),
    accepted: vscode.l10n.t('kept'),
    rejected: vscode.l10n.t('undone'),
  };
  return words[state];
}

export function statusWord(status: FileChange['status']): string {
  const words = {
    added: vscode.l10n.t('added'),
    modified: vscode.l10n.t('modified'),
    deleted: vscode.l10n.t('deleted'),
    'type-changed': vscode.l10n.t('type changed'),
  };
  return words[status];
}

/** "12 of 40 decided". */
export function progressWords({ total, accepted, rejected }: Counts): string {
  return vscode.l10n.t('{0} of {1} decided', accepted + rejected, total);
}

/** How much a file changes, as short as it can be said. */
export function sizeWords({ file, from }: ReviewFile): string {
  if (file.oldMode !== null && file.newMode !== null && file.oldMode !== file.newMode) {
    const modes = `${modeWord(file.oldMode)} → ${modeWord(file.newMode)}`;
    return file.hunks.length === 0 ? modes : `${lineWords(file)} · ${modes}`;
  }
  if (file.binary) return vscode.l10n.t('binary');
  if (file.newMode === '120000' || file.oldMode === '120000') return vscode.l10n.t('symbolic link');
  if (from && from.newOid === null && from.oldOid === file.newOid) return '';
  return lineWords(file);
}

const lineWords = ({ additions, deletions }: FileChange): string => `+${additions} −${deletions}`;

/** What an item changes, for its row and for its thread. */
export function itemWords({ kind, hunk }: ReviewItem, { file, from }: ReviewFile): string {
  if (kind === 'rename') return vscode.l10n.t('{0} → {1}', from?.path ?? '', file.path);
  if (kind === 'whole' || !hunk) return sizeWords({ file: { ...file, hunks: [] }, items: [] });
  return `+${hunk.newLines} −${hunk.oldLines}`;
}

/** The line that a hunk is at, 1-based, as the agent proposed it. */
export const lineOf = ({ hunk }: ReviewItem): number => Math.max(1, hunk?.newStart ?? 1);

/** Comments that were written and not submitted. */
export function draftWords(count: number): string {
  return count === 1 ? vscode.l10n.t('1 comment to submit') : vscode.l10n.t('{0} comments to submit', count);
}
