import { realpath } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Setup } from '../chat/messages.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { editorGit } from './git-extension.ts';
import { type Git, gitAt } from './run-git.ts';

/** A working tree that tasks can be about. */
export interface Repository {
  /** Absolute, in the machine's own form. */
  root: string;
  name: string;
  gitPath: string;
}

const CHOSEN = 'handoff.repository';

export type Repositories = ReturnType<typeof createRepositories>;

/** Finds the repositories of the open folders. Everything is asked when it is needed; nothing is kept but the person's choice. */
export function createRepositories(memento: vscode.Memento) {
  /** The root of the repository that the person chose last in this workspace. */
  const chosen = (): string | undefined => memento.get(CHOSEN);

  /** Those of the editor's Git, and of folders which it did not open (it may be off, or still looking). */
  async function all(): Promise<Repository[]> {
    const git = await editorGit();
    const gitPath = git?.path ?? configuredGit();
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    const tops = await Promise.all(folders.map(({ uri }) => toplevel(gitAt(gitPath), uri.fsPath)));
    const found = [...(git?.roots ?? []), ...tops.filter((top) => top !== undefined)];
    const real = await Promise.all(found.map((root) => realpath(root).catch(() => root)));
    return [...new Set(real)].map((root) => ({ root, name: path.basename(root), gitPath }));
  }

  async function ask(repositories: Repository[]): Promise<Repository> {
    if (repositories.length === 0) throw noRepository('No open folder is a Git repository.');
    const items = repositories.map((repository) => ({
      label: repository.name,
      description: repository.root,
      repository,
    }));
    const picked = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t('Delegate to Background Agent'),
      placeHolder: vscode.l10n.t('Which repository is the task about?'),
      matchOnDescription: true,
    });
    if (!picked) throw new Cancelled();
    await memento.update(CHOSEN, picked.repository.root);
    return picked.repository;
  }

  return {
    all,

    /** Which one a new task would be about; undefined where the person would be asked, or nothing may be read here. */
    async likely(): Promise<Repository | undefined> {
      if (!vscode.workspace.isTrusted) return undefined;
      const repositories = await all();
      return repositories.find(({ root }) => root === chosen()) ?? only(repositories);
    },

    /** What a new task lacks here, for the panel. */
    async status(): Promise<Pick<Setup, 'workspace' | 'repository'>> {
      if (!vscode.workspace.workspaceFolders?.length) return { workspace: 'no-folder' };
      if (!vscode.workspace.isTrusted) return { workspace: 'untrusted' };
      const repositories = await all();
      const repository = repositories.find(({ root }) => root === chosen()) ?? repositories[0];
      return repository ? { workspace: 'ready', repository: repository.name } : { workspace: 'no-git' };
    },

    /** The repository that a file is in, which new tasks are then about. */
    async of(file: vscode.Uri): Promise<Repository> {
      requireTrust();
      const real = await realpath(file.fsPath).catch(() => file.fsPath);
      const inside = (await all()).filter(({ root }) => isInside(root, real));
      const repository = inside.sort((a, b) => b.root.length - a.root.length)[0];
      if (!repository)
        throw noRepository(`${path.basename(file.fsPath)} is in no Git repository of this window.`);
      await memento.update(CHOSEN, repository.root);
      return repository;
    },

    /** The repository of a new task: the only one, the one chosen before, or the person's pick. */
    async pick(): Promise<Repository> {
      requireTrust();
      const repositories = await all();
      return repositories.find(({ root }) => root === chosen()) ?? only(repositories) ?? ask(repositories);
    },

    /** The person's pick, also where one was chosen before. */
    async choose(): Promise<Repository> {
      requireTrust();
      return ask(await all());
    },
  };
}

/** A file's path as the repository names it: relative, forward slashes. Empty for the repository itself. */
export async function pathIn(repository: Repository, file: vscode.Uri): Promise<string> {
  const folder = await realpath(path.dirname(file.fsPath)).catch(() => path.dirname(file.fsPath));
  const real = path.join(folder, path.basename(file.fsPath));
  return path.relative(repository.root, real).split(path.sep).join('/');
}

/** A path that came from outside as a file of the repository; nothing where it is not there, or leads out of it. */
export async function fileIn(root: string, repoPath: string): Promise<vscode.Uri | undefined> {
  const file = path.resolve(root, repoPath);
  const real = await realpath(file).catch(() => undefined);
  return real !== undefined && isInside(root, real) ? vscode.Uri.file(file) : undefined;
}

/** Whether a path is the folder or anything below it. */
export function isInside(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return (
    relative === '' ||
    (!relative.startsWith(`..${path.sep}`) && relative !== '..' && !path.isAbsolute(relative))
  );
}

/** The setting `git.path`, which may be a list of candidates, else the Git on the path. */
function configuredGit(): string {
  const setting = vscode.workspace.getConfiguration('git').get<string | string[] | null>('path');
  return (Array.isArray(setting) ? setting[0] : setting) || 'git';
}

async function toplevel(git: Git, folder: string): Promise<string | undefined> {
  const ran = await git(['-C', folder, 'rev-parse', '--show-toplevel']).catch(() => undefined);
  if (ran?.exitCode !== 0) return undefined;
  return path.normalize(new TextDecoder().decode(ran.stdout).replace(/\r?\n$/, ''));
}

export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new ExpectedError(
    'source_not_allowed',
    vscode.l10n.t('This workspace is not trusted, so Handoff runs no Git in it and sends nothing of it.'),
    vscode.l10n.t('Trust the workspace ("Workspaces: Manage Workspace Trust"), then try again.'),
  );
}

function noRepository(message: string): ExpectedError {
  return new ExpectedError(
    'source_unreadable',
    message,
    vscode.l10n.t('Open a folder that is under Git, or initialise a repository and make a first commit.'),
  );
}

const only = <One>(all: readonly One[]): One | undefined => (all.length === 1 ? all[0] : undefined);
