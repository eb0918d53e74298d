import * as vscode from 'vscode';

/** "1 file", "2 files". */
export function fileCount(count: number): string {
  return count === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', count);
}

/** "840 B", "12 KB", "3.4 MB". */
export function fileSize(bytes: number): string {
  if (bytes < 1000) return vscode.l10n.t('{0} B', bytes);
  if (bytes < 1_000_000) return vscode.l10n.t('{0} KB', Math.round(bytes / 1000));
  return vscode.l10n.t('{0} MB', (bytes / 1_000_000).toFixed(1));
}
