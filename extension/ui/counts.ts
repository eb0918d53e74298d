import * as vscode from 'vscode';

/** "1 file", "2 files". */
export function fileCount(count: number): string {
  return count === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', count);
}
