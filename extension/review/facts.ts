import * as vscode from 'vscode';
import { unitsOf } from '../../server/protocol/ledger.ts';
import type { FileChange } from '../../server/protocol/review.ts';
import { type Contents, textOf } from './contents.ts';
import { rejectedOf } from './outline.ts';
import type { Review } from './session.ts';

const SYMLINK = '120000';

/** Whether a file is looked at as facts: it has no lines to compare. */
export const isFacts = ({ hunks }: FileChange): boolean => hunks.length === 0;

/** What kind of thing a mode makes of a path, in words. */
export function modeWord(mode: string | null): string {
  if (mode === null) return vscode.l10n.t('no file');
  if (mode === SYMLINK) return vscode.l10n.t('symbolic link');
  return mode === '100755' ? vscode.l10n.t('executable file') : vscode.l10n.t('file');
}

/** One side of a change that has no lines, as text that can be compared: kind, size, where a link leads. */
export async function factsOf(
  contents: Contents,
  review: Review,
  file: FileChange,
  side: 'base' | 'proposal',
): Promise<string> {
  const rejected = rejectedOf(review.decided, file.path);
  const isRejected = unitsOf(file).some((hash) => rejected.has(hash));
  const isOld = side === 'base' || isRejected;
  const mode = isOld ? file.oldMode : file.newMode;
  const oid = isOld ? file.oldOid : file.newOid;
  const kind = vscode.l10n.t('Kind: {0}', modeWord(mode));
  if (oid === null) return `${kind}\n`;
  const content = await contents.blob(review.taskId, oid);
  const rest =
    mode === SYMLINK
      ? [vscode.l10n.t('Leads to: {0}', textOf(content) ?? '?')]
      : [
          vscode.l10n.t('Size: {0} bytes', content.length.toLocaleString('en')),
          vscode.l10n.t('Content: {0}', oid.slice(0, 12)),
        ];
  return `${[kind, ...rest].join('\n')}\n`;
}
