import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { RepoPath } from '../../server/protocol/source.ts';
import { isInside } from '../git/repositories.ts';

/** A path of the repository on this machine. */
export interface Place {
  file: string;
  /** As the window names it, so that a document is the one that its tabs show. */
  uri: vscode.Uri;
}

/**
 * Where a path of the proposal is to be. It came from an agent: nothing where it is no path of a repository, or a link or a file stands
 * where a folder has to be, behind which might be anything.
 */
export async function placeOf(root: string, repoPath: string): Promise<Place | undefined> {
  const parts = repoPath.split('/');
  if (!RepoPath.safeParse(repoPath).success || !parts.every(isFileName)) return undefined;
  for (let depth = 1; depth < parts.length; depth++) {
    const folder = path.join(root, ...parts.slice(0, depth));
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined) break;
    if (!found.isDirectory()) return undefined;
  }
  const file = path.join(root, ...parts);
  return { file, uri: await uriOf(file) };
}

/** On Windows more names lead elsewhere: streams, devices, other spellings of `.git`. */
function isFileName(name: string): boolean {
  if (process.platform !== 'win32') return true;
  return (
    !/[\\:*?"<>|\x00-\x1f]|[. ]$|^git~\d+$/i.test(name) && !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)
  );
}

/** A window may have a folder open by another name than its real one. */
async function uriOf(file: string): Promise<vscode.Uri> {
  for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
    if (uri.scheme !== 'file') continue;
    const real = await realpath(uri.fsPath).catch(() => uri.fsPath);
    if (isInside(real, file)) {
      return vscode.Uri.joinPath(uri, ...path.relative(real, file).split(path.sep));
    }
  }
  return vscode.Uri.file(file);
}
