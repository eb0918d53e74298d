import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { ExpectedError } from '../ui/failure.ts';
import { type AcceptedChange, type GatherDeps, type Gathered, gather, LABELS } from './gather.ts';
import { type Content, changesOf, planFile } from './merge-plan.ts';
import { followRenames } from './renames.ts';

/** A file that both sides changed, and that no lines can be merged of. */
export interface Clash {
  path: string;
  take: 'create' | 'replace' | 'delete';
}

export interface ApplyDeps extends GatherDeps {
  /** Which of these are to be as they were accepted; the person's stay as they are. Rejects to apply nothing at all. */
  ask(clashes: Clash[]): Promise<ReadonlySet<string>>;
}

/** What became of the paths of an accepted change. */
export interface Applied {
  changed: string[];
  /** Their documents have conflict markers now. */
  conflicts: vscode.Uri[];
  /** They were so already. */
  same: string[];
  /** The person keeps theirs. */
  kept: string[];
  /** Not at any place that files of this repository may be at, or where a folder is. */
  refused: string[];
}

/**
 * Brings what was accepted into the person's files: texts into documents, unsaved changes included, by one edit that one undo takes back;
 * what no document holds to the disk. Documents stay unsaved, tabs as they are.
 */
export async function applyFiles(deps: ApplyDeps, changes: readonly AcceptedChange[]): Promise<Applied> {
  const { files: found, refused } = await gather(deps, changes);
  const files = await followRenames(found);
  const clashes = files.flatMap(({ path, step }) =>
    step.kind === 'clash' ? [{ path, take: step.take }] : [],
  );
  const taken = clashes.length === 0 ? new Set<string>() : await deps.ask(clashes);
  const kept = clashes.map(({ path }) => path).filter((path) => !taken.has(path));
  const decided = files.filter(({ path }) => !kept.includes(path)).map(settled);
  kept.push(...decided.filter(({ step }) => step.kind === 'clash').map(({ path }) => path));
  const wanted = decided.filter(({ step }) => step.kind !== 'clash');

  const edit = new vscode.WorkspaceEdit();
  const conflicts: vscode.Uri[] = [];
  const changed = new Set<string>();
  const onDisk: Gathered[] = [];
  for (const file of wanted) {
    if (file.step.kind !== 'none' || (file.mode ?? file.becomes) !== undefined) changed.add(file.path);
    if (!isByEdit(file)) onDisk.push(file);
    else addTo(edit, file, conflicts);
  }
  // (Its `size` does not count files that come and go.)
  if (wanted.some(isByEdit) && !(await vscode.workspace.applyEdit(edit))) throw notApplied();
  for (const file of onDisk) if (!(await writeTo(file))) kept.push(file.path);
  for (const { file, mode } of wanted) if (mode !== undefined) await setMode(file, mode);
  for (const { file, becomes } of wanted) if (becomes !== undefined) await rename(file, becomes);
  for (const path of kept) changed.delete(path);
  return {
    changed: [...changed],
    conflicts,
    same: wanted.map(({ path }) => path).filter((path) => !changed.has(path) && !kept.includes(path)),
    kept,
    refused,
  };
}

/** What they chose to take is no clash any more; and they may have typed while they were asked, which can make another one. */
function settled(file: Gathered): Gathered {
  const { here, sides, step } = file;
  const text = here.document?.getText();
  if (step.kind === 'clash') {
    const { accepted } = sides;
    if (text === undefined || accepted?.text === undefined) return { ...file, step: { kind: step.take } };
    return { ...file, step: { kind: 'edit', changes: changesOf(text, accepted.text), conflicts: 0 } };
  }
  if (text === undefined || text === here.content?.text || sides.mine?.text === undefined) return file;
  return { ...file, step: planFile({ ...sides, mine: { kind: 'file', text } }, LABELS) };
}

/** What a document holds, and files that come or go with nobody looking: the editor can undo those. */
function isByEdit({ step, sides, here }: Gathered): boolean {
  if (step.kind === 'edit') return true;
  if (step.kind === 'create') return sides.accepted?.kind === 'file';
  return step.kind === 'delete' && !here.isShown && here.content?.kind === 'file';
}

function addTo(edit: vscode.WorkspaceEdit, file: Gathered, conflicts: vscode.Uri[]): void {
  const { step, here, sides, uri } = file;
  if (step.kind === 'create') {
    edit.createFile(uri, { contents: step.contents ?? sides.accepted?.bytes ?? new Uint8Array() });
    if (step.conflicts) conflicts.push(uri);
  }
  if (step.kind === 'delete') edit.deleteFile(uri, { ignoreIfNotExists: true });
  if (step.kind !== 'edit' || here.document === undefined) return;
  const { document } = here;
  const edits = step.changes.map(({ start, end, text }) => {
    const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
    return vscode.TextEdit.replace(range, text);
  });
  const eol = step.eol === '\r\n' ? vscode.EndOfLine.CRLF : vscode.EndOfLine.LF;
  if (step.eol !== undefined) edits.push(vscode.TextEdit.setEndOfLine(eol));
  edit.set(document.uri, edits);
  if (step.conflicts > 0) conflicts.push(document.uri);
}

/** @returns false where somebody changed the file since it was looked at: it stays as it is */
async function writeTo({ file, step, sides: { accepted }, here }: Gathered): Promise<boolean> {
  if (step.kind === 'none') return true;
  if (!(await isStill(file, here.content))) return false;
  if (step.kind === 'delete' || here.content?.kind === 'link' || accepted?.kind === 'link') {
    await rm(file, { force: true });
  }
  if (accepted === null) return true;
  await mkdir(path.dirname(file), { recursive: true });
  const bytes = accepted.bytes ?? new Uint8Array();
  if (accepted.kind === 'link') await symlink(Buffer.from(bytes), file);
  else await writeFile(file, bytes);
  return true;
}

/** Whether the path holds what it did; where a document counted instead, whatever is on disk is none of it. */
async function isStill(file: string, content: Content | null): Promise<boolean> {
  if (content !== null && content.bytes === undefined) return true;
  const found = await lstat(file).catch(() => undefined);
  if (content?.bytes === undefined || found === undefined) return content === null && found === undefined;
  const now = found.isSymbolicLink() ? await readlink(file, { encoding: 'buffer' }) : await readFile(file);
  return Buffer.compare(content.bytes, now) === 0;
}

/** As Git does: whoever may read the file may then run it, or nobody. */
async function setMode(file: string, mode: string): Promise<void> {
  if (process.platform === 'win32' || !mode.startsWith('100')) return;
  const found = await stat(file).catch(() => undefined);
  // A document that was never saved has no file.
  if (!found) return;
  const readers = (found.mode & 0o444) >> 2;
  await chmod(file, mode === '100755' ? found.mode | readers : found.mode & ~0o111);
}

function notApplied(): ExpectedError {
  return new ExpectedError(
    'conflict',
    vscode.l10n.t('The editor could not change the files: something else changed them at the same time.'),
    vscode.l10n.t('Look at what is unsaved, then apply the changes again; what is there already stays.'),
  );
}
