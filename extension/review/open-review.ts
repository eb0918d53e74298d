import * as vscode from 'vscode';
import { isFacts } from './facts.ts';
import type { ReviewFile } from './outline.ts';
import type { Part } from './parts.ts';
import type { Review } from './session.ts';
import { fromReviewUri, toReviewUri } from './uris.ts';

const TITLE_PREFIX = 'Handoff: ';

/** The API does not tell what a multi-diff tab shows; that it is none of the known kinds, and its title, are ours to go by. */
function isReviewTab({ label, input }: vscode.Tab): boolean {
  const known =
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputTextDiff ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputWebview ||
    input instanceof vscode.TabInputNotebook ||
    input instanceof vscode.TabInputNotebookDiff ||
    input instanceof vscode.TabInputTerminal;
  return label.startsWith(TITLE_PREFIX) && !known;
}

/** The tasks of the multi-diff editors that were opened, by their titles. */
const opened = new Map<string, string>();

/** The task of a review's tab: the editor adds the number of files to its title. */
function taskOfReviewTab(tab: vscode.Tab): string | undefined {
  if (!isReviewTab(tab)) return undefined;
  const [title] = [...opened.keys()]
    .filter((some) => tab.label === some || tab.label.startsWith(`${some} (`))
    .sort((a, b) => b.length - a.length);
  return title === undefined ? undefined : opened.get(title);
}

/** The task whose review the person looks at: all of it, or one file. */
export function activeTask(): string | undefined {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
  if (tab?.input instanceof vscode.TabInputTextDiff) return fromReviewUri(tab.input.modified)?.taskId;
  if (tab?.input instanceof vscode.TabInputText) return fromReviewUri(tab.input.uri)?.taskId;
  return tab && taskOfReviewTab(tab);
}

/**
 * Keeps the context `handoff.reviewActive`: the review's multi-diff is what the person looks at.
 * @param onTask told of the task whose review the person has turned to
 */
export function trackReviewTab(onTask: (taskId: string) => void): vscode.Disposable {
  let active = false;
  let task: string | undefined;
  const update = () => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    const now = tab !== undefined && isReviewTab(tab);
    if (now !== active) void vscode.commands.executeCommand('setContext', 'handoff.reviewActive', now);
    active = now;
    const turnedTo = activeTask();
    if (turnedTo !== undefined && turnedTo !== task) onTask(turnedTo);
    task = turnedTo;
  };
  const { tabGroups } = vscode.window;
  return vscode.Disposable.from(tabGroups.onDidChangeTabs(update), tabGroups.onDidChangeTabGroups(update));
}

/**
 * Opens the files of the proposal in one multi-diff editor; a tab of an earlier revision makes room for it. A large proposal opens part
 * by part, for VS Code loads every file of the editor before it shows the first.
 */
export async function openMultiDiff(review: Review, { files, first }: Part): Promise<void> {
  const { taskId } = review;
  const stale = vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter((tab) => taskOfReviewTab(tab) === taskId);
  if (stale.length > 0) await vscode.window.tabGroups.close(stale, true);
  const isPart = files.length < review.files.length;
  const total = review.files.length;
  const range = vscode.l10n.t('{0}–{1} of {2}', first + 1, first + files.length, total);
  const resources = files.map((file) => {
    const { base, proposal } = sides(review.taskId, file);
    return [proposal, base, proposal];
  });
  const plain = `${TITLE_PREFIX}${review.title}${isPart ? ` · ${range}` : ''}`;
  // Tasks may be called alike.
  const title = (opened.get(plain) ?? taskId) === taskId ? plain : `${plain} · ${taskId}`;
  opened.set(title, taskId);
  await vscode.commands.executeCommand('vscode.changes', title, resources);
  // Else the diff of one file, opened from the tree, would take its place.
  await vscode.commands.executeCommand('workbench.action.keepEditor');
}

/** What the editor can show side by side as pictures. */
const PICTURE = /\.(png|jpe?g|gif|webp|bmp|ico|avif)$/i;

/** Opens the diff of one file of the proposal, at a line of it (0-based) where one is given. */
export async function openFileDiff(review: Review, shown: ReviewFile, line?: number): Promise<void> {
  const { file, from } = shown;
  const asPicture = file.binary && file.oldOid !== null && file.newOid !== null && PICTURE.test(file.path);
  const { base, proposal } = sides(review.taskId, shown, { asPicture });
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  const title = from
    ? vscode.l10n.t('{0} → {1} (proposed)', from.path, file.path)
    : vscode.l10n.t('{0} (proposed)', name);
  const options: vscode.TextDocumentShowOptions =
    line === undefined ? {} : { selection: new vscode.Range(line, 0, line, 0) };
  await vscode.commands.executeCommand('vscode.diff', base, proposal, title, options);
}

/**
 * The documents of both sides. Both are always there, empty where there is no file: so that what was added or deleted can be taken
 * back in the diff as well.
 */
export function sides(taskId: string, { file, from }: ReviewFile, { asPicture = false } = {}) {
  const { oldOid: oid, path } = from ?? file;
  const facts = !asPicture && isFacts(file) ? { facts: true as const } : {};
  const base = { taskId, side: 'base' as const, path: facts.facts ? file.path : path, ...facts };
  return {
    base: vscode.Uri.from(toReviewUri({ ...base, ...(oid === null || facts.facts ? {} : { oid }) })),
    proposal: vscode.Uri.from(toReviewUri({ taskId, side: 'proposal', path: file.path, ...facts })),
  };
}
