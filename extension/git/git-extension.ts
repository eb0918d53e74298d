import { realpath } from 'node:fs/promises';
import * as vscode from 'vscode';

/** Of the built-in Git extension's API (version 1), what is used here. */
interface GitApi {
  readonly git: { readonly path: string };
  readonly repositories: readonly GitRepository[];
}
interface GitRepository {
  readonly rootUri: vscode.Uri;
  push(remoteName: string, branchName: string): Promise<void>;
}
interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): GitApi;
}

/** Nothing where the editor's Git extension is off. */
async function gitApi(): Promise<GitApi | undefined> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  if (!extension) return undefined;
  try {
    const exports = extension.isActive ? extension.exports : await extension.activate();
    return exports.enabled ? exports.getAPI(1) : undefined;
  } catch {
    // It throws where it has found no Git; the caller then tries the one on the path and says what is missing.
    return undefined;
  }
}

/** The Git that the editor uses, and the repositories that it has open. */
export async function editorGit(): Promise<{ path: string; roots: string[] } | undefined> {
  const api = await gitApi();
  return api && { path: api.git.path, roots: api.repositories.map(({ rootUri }) => rootUri.fsPath) };
}

/**
 * Pushes as the editor does, which asks the person for what is missing. @returns false where it does not have the repository
 * @throws with what Git printed in `stderr`
 */
export async function pushWithEditor(root: string, remote: string, refspec: string): Promise<boolean> {
  const repositories = (await gitApi())?.repositories ?? [];
  const real = await Promise.all(
    repositories.map(async ({ rootUri }) => realpath(rootUri.fsPath).catch(() => rootUri.fsPath)),
  );
  const repository = repositories[real.indexOf(root)];
  await repository?.push(remote, refspec);
  return repository !== undefined;
}
