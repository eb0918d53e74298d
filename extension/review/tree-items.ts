import * as vscode from 'vscode';
import type { Risk } from '../../server/protocol/review.ts';
import { fileCount } from '../ui/counts.ts';
import { countsOf, type ReviewFile, type ReviewItem } from './outline.ts';
import { filesOf, idOf, type ReviewNode } from './rows.ts';
import type { Review } from './session.ts';
import { itemWords, lineOf, progressWords, sizeWords, stateWord, statusWord } from './words.ts';

const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;

/** A row as the tree shows it. */
export function treeItem(review: Review, node: ReviewNode): vscode.TreeItem {
  const item = itemFor(review, node);
  item.id = idOf(node);
  return item;
}

function itemFor(review: Review, node: ReviewNode): vscode.TreeItem {
  const files = filesOf(review.files, node);
  if (node.kind === 'section' || node.kind === 'folder') return groupItem(node, files);
  const [shown] = files;
  if (!shown) return new vscode.TreeItem(node.path);
  if (node.kind === 'file') return fileItem(review.taskId, shown);
  const found = shown.items.find(({ hash }) => hash === node.hash);
  return found ? hunkItem(review.taskId, shown, found) : new vscode.TreeItem(node.path);
}

function groupItem(
  node: Extract<ReviewNode, { kind: 'section' | 'folder' }>,
  files: readonly ReviewFile[],
): vscode.TreeItem {
  const isGenerated = node.kind === 'section' && node.section === 'generated';
  const label =
    node.kind === 'folder'
      ? node.folder || '/'
      : isGenerated
        ? vscode.l10n.t('Generated')
        : vscode.l10n.t('To read');
  const item = new vscode.TreeItem(label, isGenerated ? Collapsed : Expanded);
  if (node.kind === 'folder') item.iconPath = vscode.ThemeIcon.Folder;
  const progress = progressWords(countsOf(files));
  item.description = node.kind === 'section' ? `${fileCount(files.length)} · ${progress}` : '';
  item.contextValue = 'group';
  check(item, label, files);
  item.accessibilityInformation = { label: `${label}, ${fileCount(files.length)}, ${progress}` };
  return item;
}

function fileItem(taskId: string, shown: ReviewFile): vscode.TreeItem {
  const { file, from, items } = shown;
  const { path } = file;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const label = from ? vscode.l10n.t('{0} → {1}', from.path, path) : name;
  const item = new vscode.TreeItem(label, items.length > 1 ? Collapsed : None);
  // Icon and colours of the file; a scheme of our own, so that no provider takes it for the person's file.
  item.resourceUri = vscode.Uri.from({ scheme: 'handoff-file', path: `/${path}` });
  if (file.risk?.level === 'high')
    item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  const status = from ? vscode.l10n.t('renamed') : statusWord(file.status);
  const about = [sizeWords(shown), status, riskWords(file.risk), decidedWords(shown)].filter(Boolean);
  item.description = about.join(' · ');
  item.tooltip = [label, ...about, ...(file.risk?.why ?? [])].join('\n');
  item.contextValue = contextOf('file', shown.items);
  check(item, path, [shown]);
  item.accessibilityInformation = { label: [label, ...about].join(', ') };
  item.command = opening({ taskId, path });
  return item;
}

function hunkItem(taskId: string, shown: ReviewFile, found: ReviewItem): vscode.TreeItem {
  const { path } = shown.file;
  const line = vscode.l10n.t('line {0}', lineOf(found));
  const where = found.kind === 'hunk' ? line : vscode.l10n.t('the file itself');
  const label = found.hunk?.reason ?? where;
  const item = new vscode.TreeItem(label, None);
  const about = [
    ...(label === where ? [] : [where]),
    itemWords(found, shown),
    ...(found.state === 'pending' ? [] : [stateWord(found.state)]),
  ];
  item.description = about.join(' · ');
  item.iconPath = new vscode.ThemeIcon(found.state === 'rejected' ? 'discard' : 'diff');
  item.contextValue = contextOf('item', [found]);
  check(item, label, [{ ...shown, items: [found] }]);
  item.accessibilityInformation = { label: [label, ...about].join(', ') };
  item.command = opening({ taskId, path, hash: found.hash });
  return item;
}

/** Checked is accepted, all of it. */
function check(item: vscode.TreeItem, name: string, files: readonly ReviewFile[]): void {
  const { total, accepted } = countsOf(files);
  const isAccepted = total > 0 && accepted === total;
  item.checkboxState = {
    state: isAccepted ? vscode.TreeItemCheckboxState.Checked : vscode.TreeItemCheckboxState.Unchecked,
    tooltip: isAccepted ? vscode.l10n.t('Kept') : vscode.l10n.t('Keep'),
    accessibilityInformation: { label: vscode.l10n.t('Keep {0}', name), role: 'checkbox' },
  };
}

function contextOf(kind: 'file' | 'item', items: readonly ReviewItem[]): string {
  const states = new Set(items.map(({ state }) => state));
  return states.size === 1 ? `${kind}.${[...states].join()}` : `${kind}.pending`;
}

/** What is decided of a file with several changes; of one with a single change, that. */
function decidedWords({ items }: ReviewFile): string {
  const states = new Set(items.map(({ state }) => state));
  const [only] = states;
  if (states.size === 1 && only !== undefined) return only === 'pending' ? '' : stateWord(only);
  const { total, accepted, rejected } = countsOf([{ items }]);
  return vscode.l10n.t('{0} kept, {1} undone of {2}', accepted, rejected, total);
}

function riskWords(risk: Risk | undefined): string {
  return risk?.level === 'high' ? vscode.l10n.t('high risk') : '';
}

const opening = (argument: { taskId: string; path: string; hash?: string }): vscode.Command => ({
  command: 'handoff.reviewChanges',
  title: vscode.l10n.t('Review Changes'),
  arguments: [argument],
});
