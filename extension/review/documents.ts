import * as vscode from 'vscode';
import type { RelayClient } from '../../server/protocol/client.ts';
import { createBlobCache } from './blob-cache.ts';
import { fromReviewUri } from './uris.ts';

const CACHE_BYTES = 64 * 1024 * 1024;

/**
 * Both sides of every reviewed file as a read-only file system, binary files included. Contents come from the relay when
 * the editor asks for them; the sandbox may be off.
 */
export function createReviewDocuments(client: () => Promise<RelayClient>): vscode.FileSystemProvider {
  const read = createBlobCache(CACHE_BYTES);
  const noChange = new vscode.EventEmitter<vscode.FileChangeEvent[]>();

  async function content(uri: vscode.Uri): Promise<Uint8Array> {
    const document = fromReviewUri(uri);
    if (!document) throw vscode.FileSystemError.FileNotFound(uri);
    const { taskId, oid } = document;
    try {
      return await read(oid, async () => (await client()).blob(taskId, oid));
    } catch (error) {
      throw vscode.FileSystemError.Unavailable(error instanceof Error ? error.message : String(error));
    }
  }

  const refuse = (): never => {
    throw vscode.FileSystemError.NoPermissions(vscode.l10n.t('A proposal cannot be edited here.'));
  };

  return {
    onDidChangeFile: noChange.event,
    watch: () => new vscode.Disposable(() => {}),
    stat: async (uri) => ({
      type: vscode.FileType.File,
      permissions: vscode.FilePermission.Readonly,
      ctime: 0,
      mtime: 0,
      size: (await content(uri)).length,
    }),
    readFile: content,
    readDirectory: () => [],
    createDirectory: refuse,
    writeFile: refuse,
    delete: refuse,
    rename: refuse,
  };
}
