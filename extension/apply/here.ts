import { lstat, readFile, readlink, realpath } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Content } from './merge-plan.ts';
import type { Place } from './place.ts';
import { mayBeText } from './texts.ts';

/** What the person has at a path. */
export interface Here {
  content: Content | null;
  /** As Git names it; null where there is no file, or the machine has no modes. */
  mode: string | null;
  /** The document that holds its text, which may be unsaved. */
  document?: vscode.TextDocument;
  /** Whether a tab shows it. */
  isShown: boolean;
}

/** Beyond this many bytes VS Code gives extensions no document. */
const MAX_DOCUMENT_BYTES = 50 * 1024 * 1024;

/**
 * Looks at files; open documents are found by where they really are, whatever they are called in the window. Answers nothing of a folder.
 */
export async function createLook() {
  const documents = new Map<string, vscode.TextDocument>();
  for (const document of vscode.workspace.textDocuments) {
    if (document.uri.scheme !== 'file' || document.isClosed) continue;
    const { fsPath } = document.uri;
    documents.set(await realpath(fsPath).catch(() => fsPath), document);
  }
  const shown = shownFiles();

  return async function look({ file, uri }: Place): Promise<Here | undefined> {
    const open = documents.get(file);
    const isShown = shown.has((open?.uri ?? uri).toString());
    const found = await lstat(file).catch(absent);
    if (found?.isDirectory()) return undefined;
    if (found?.isSymbolicLink()) {
      const bytes = new Uint8Array(await readlink(file, { encoding: 'buffer' }));
      return { content: { kind: 'link', bytes }, mode: '120000', isShown };
    }
    const mode = found === undefined ? null : modeOf(found.mode);
    if (open && (open.isDirty || isShown)) {
      return { content: { kind: 'file', text: open.getText() }, mode, document: open, isShown };
    }
    if (found === undefined) return { content: null, mode: null, isShown };
    const bytes = new Uint8Array(await readFile(file));
    const document = open ?? (await documentOf(uri, bytes));
    if (document === undefined) return { content: { kind: 'file', bytes }, mode, isShown };
    return { content: { kind: 'file', bytes, text: document.getText() }, mode, document, isShown };
  };
}

/** Nothing where VS Code does not take the file for text. */
async function documentOf(uri: vscode.Uri, bytes: Uint8Array): Promise<vscode.TextDocument | undefined> {
  if (bytes.length > MAX_DOCUMENT_BYTES || !mayBeText(bytes)) return undefined;
  return vscode.workspace.openTextDocument(uri).then(
    (document) => document,
    () => undefined,
  );
}

function shownFiles(): Set<string> {
  const inputs = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ input }) => input));
  const uris = inputs.flatMap((input) => {
    if (input instanceof vscode.TabInputTextDiff || input instanceof vscode.TabInputNotebookDiff) {
      return [input.original, input.modified];
    }
    const hasUri =
      input instanceof vscode.TabInputText ||
      input instanceof vscode.TabInputCustom ||
      input instanceof vscode.TabInputNotebook;
    return hasUri ? [input.uri] : [];
  });
  return new Set(uris.map(String));
}

const EXECUTABLE = 0o100;

function modeOf(mode: number): string | null {
  if (process.platform === 'win32') return null;
  return (mode & EXECUTABLE) === 0 ? '100644' : '100755';
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
