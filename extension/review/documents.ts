import * as vscode from 'vscode';
import type { FileChange } from '../../server/protocol/review.ts';
import { sentence, toFailure } from '../ui/failure.ts';
import { type Contents, textOf } from './contents.ts';
import { factsOf } from './facts.ts';
import { rejectedOf } from './outline.ts';
import type { createProposalEdits } from './proposal-edits.ts';
import type { Review, ReviewSession } from './session.ts';
import { fromReviewUri, type ReviewDocument } from './uris.ts';

export interface ReviewDocumentDeps {
  session: ReviewSession;
  contents: Contents;
  edits: ReturnType<typeof createProposalEdits>;
}

/** What a document was given: its text, and which state of the review that was. */
interface Served {
  document: ReviewDocument;
  uri: vscode.Uri;
  /** Names the content; another one means that the document has to be read again. */
  key: string;
  text: string;
  /** What `stat` answered of it. */
  mtime: number;
  size: number;
}

/** What texts of a proposal are, whatever `files.encoding` says of the person's own. */
const UTF8: ReadonlySet<string> = new Set(['utf8', 'utf8bom']);

export const BYTE_ORDER_MARK = '\ufeff';

export type ReviewDocuments = ReturnType<typeof createReviewDocuments>;

/**
 * Both sides of every reviewed file as a file system. The base's can be read only. The proposal's shows what was not rejected, and
 * what is written to it are decisions or the person's own edit.
 */
export function createReviewDocuments({ session, contents, edits }: ReviewDocumentDeps) {
  const changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  const served = new Map<string, Served>();
  /** When a content was first seen at a URI: it grows with every change. */
  const times = new Map<string, { key: string; mtime: number }>();
  /** Texts that are being saved from here, which nothing that runs at a save may change. */
  const saving = new Map<string, string>();
  /** The last that was known of a path: what is no longer proposed is as it was in the base. */
  const known = new Map<string, FileChange>();
  let clock = Date.now();

  function fileOf(review: Review, path: string): FileChange | undefined {
    const file = review.changes.files.find((candidate) => candidate.path === path);
    const key = `${review.taskId}:${path}`;
    if (file) known.set(key, file);
    const before = known.get(key);
    return file ?? (before && { ...before, newOid: before.oldOid, newMode: before.oldMode, hunks: [] });
  }

  async function contentOf(document: ReviewDocument): Promise<{ key: string; bytes: Uint8Array }> {
    const { taskId, side, path, oid, facts } = document;
    if (side === 'base' && !facts) return { key: '', bytes: await contents.blob(taskId, oid ?? null) };
    const review = await session.of(taskId);
    const file = fileOf(review, path);
    if (!file) throw vscode.FileSystemError.FileNotFound(path);
    const key = keyOf(review, file);
    if (facts) return { key, bytes: Buffer.from(await factsOf(contents, review, file, side)) };
    return { key, bytes: await contents.shown(taskId, file, review.decided) };
  }

  /** What the document of a URI is to hold now. */
  async function newest(uri: vscode.Uri) {
    const document = fromReviewUri(uri);
    if (!document) throw vscode.FileSystemError.FileNotFound(uri);
    try {
      const { key, bytes } = await contentOf(document);
      const name = uri.toString();
      const known = times.get(name);
      const time = known?.key === key ? known : { key, mtime: ++clock };
      times.set(name, time);
      return { document, bytes, ...time };
    } catch (error) {
      if (error instanceof vscode.FileSystemError) throw error;
      throw vscode.FileSystemError.Unavailable(sentence(toFailure(error)));
    }
  }

  async function readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const { document, bytes, key, mtime } = await newest(uri);
    const text = textOf(bytes) ?? '';
    served.set(uri.toString(), { document, uri, key, text, mtime, size: bytes.length });
    return bytes;
  }

  /**
   * A document with unsaved text is told of nothing newer than what it was given: the editor would refuse to save it, while `write`
   * merges it with what is new.
   */
  async function stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const given = isDirty(uri) ? served.get(uri.toString()) : undefined;
    const { document, mtime, size } = given ?? sized(await newest(uri));
    const isReadonly = document.side === 'base' || document.facts === true;
    const permissions = isReadonly ? { permissions: vscode.FilePermission.Readonly } : {};
    return { type: vscode.FileType.File, ...permissions, ctime: 0, mtime, size };
  }

  async function write(uri: vscode.Uri, bytes: Uint8Array): Promise<void> {
    const document = fromReviewUri(uri);
    if (document?.side !== 'proposal' || document.facts) throw notHere();
    const encoding = openDocument(uri)?.encoding ?? 'utf8';
    if (!UTF8.has(encoding)) throw wrongEncoding(encoding);
    const own = saving.get(uri.toString());
    const mark = textOf(bytes)?.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
    const written = own === undefined ? bytes : Buffer.from(mark + own);
    const seen = served.get(uri.toString())?.text ?? textOf(await readFile(uri)) ?? '';
    try {
      await edits.write(document.taskId, document.path, seen, written);
    } catch (error) {
      throw vscode.FileSystemError.Unavailable(sentence(toFailure(error)));
    }
    const now = await newest(uri);
    const isSame = Buffer.from(now.bytes).equals(bytes);
    // Else the document has what it wrote until it reads what that was merged into, which is newer.
    if (!isSame) times.delete(uri.toString());
    const { key, mtime } = isSame ? now : { key: '', mtime: ++clock };
    served.set(uri.toString(), { document, uri, key, text: textOf(bytes) ?? '', mtime, size: bytes.length });
  }

  function follow(review: Review | undefined): void {
    if (!review) return;
    const stale = [...served.values()].filter(({ document, key }) => {
      if (document.taskId !== review.taskId || (document.side === 'base' && !document.facts)) return false;
      const file = fileOf(review, document.path);
      return file !== undefined && keyOf(review, file) !== key;
    });
    if (stale.length > 0)
      changed.fire(stale.map(({ uri }) => ({ type: vscode.FileChangeType.Changed, uri })));
  }
  session.events.on('change', follow);

  const provider: vscode.FileSystemProvider = {
    onDidChangeFile: changed.event,
    watch: () => new vscode.Disposable(() => {}),
    stat,
    readFile,
    writeFile: write,
    readDirectory: () => [],
    createDirectory: refuse,
    delete: refuse,
    rename: refuse,
  };

  return {
    provider,
    /** A document that has nothing unsaved any more is brought up to date: the editor passes over one that has. */
    refresh: (uri: vscode.Uri): void => {
      if (served.has(uri.toString())) changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    },
    /** Saves a document with exactly the text that it has: formatters and the like are for the person's own files. */
    async save(document: vscode.TextDocument): Promise<boolean> {
      const key = document.uri.toString();
      saving.set(key, document.getText());
      try {
        return await document.save();
      } finally {
        saving.delete(key);
      }
    },
    /** A closed document is not followed any longer. */
    forget(uri: vscode.Uri): void {
      served.delete(uri.toString());
      times.delete(uri.toString());
    },
  };
}

const sized = <File extends { bytes: Uint8Array }>(file: File) => ({ ...file, size: file.bytes.length });

const openDocument = (uri: vscode.Uri): vscode.TextDocument | undefined =>
  vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());

const isDirty = (uri: vscode.Uri): boolean => openDocument(uri)?.isDirty ?? false;

/** What the shown content depends on. */
function keyOf(review: Review, file: FileChange): string {
  const rejected = rejectedOf(review.decided, file.path);
  const units = [...file.hunks.map(({ hash }) => hash), ...(file.whole ? [file.whole] : [])];
  return [file.oldOid, file.newOid, file.newMode, ...units.filter((hash) => rejected.has(hash))].join();
}

function wrongEncoding(encoding: string): vscode.FileSystemError {
  return vscode.FileSystemError.Unavailable(
    vscode.l10n.t(
      'A proposal is UTF-8, and the editor took it for {0}. Copy what you typed, choose "Reopen with Encoding: UTF-8", and put it in there.',
      encoding,
    ),
  );
}

function notHere(): vscode.FileSystemError {
  return vscode.FileSystemError.NoPermissions(vscode.l10n.t('This side of a proposal cannot be edited.'));
}

function refuse(): never {
  throw notHere();
}
