import * as vscode from 'vscode';

/** Of the built-in Git extension's API (version 1), what is used here. */
interface GitApi {
  readonly git: { readonly path: string };
  readonly repositories: readonly { readonly rootUri: vscode.Uri }[];
}
interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): GitApi;
}

/** The Git that the editor uses, and the repositories that it has open; nothing where its Git extension is off. */
export async function editorGit(): Promise<{ path: string; roots: string[] } | undefined> {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  if (!extension) return undefined;
  try {
    const exports = extension.isActive ? extension.exports : await extension.activate();
    if (!exports.enabled) return undefined;
    const api = exports.getAPI(1);
    return { path: api.git.path, roots: api.repositories.map(({ rootUri }) => rootUri.fsPath) };
  } catch {
    // It throws where it has found no Git; the caller then tries the one on the path and says what is missing.
    return undefined;
  }
}
