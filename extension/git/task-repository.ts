import * as vscode from 'vscode';
import { withoutCredentials } from '../../server/protocol/capture-git.ts';
import type { SourceSummary } from '../../server/protocol/source.ts';
import { Cancelled, ExpectedError } from '../ui/failure.ts';
import { type Repositories, type Repository, requireTrust } from './repositories.ts';
import { gitAt } from './run-git.ts';

type TaskSource = Pick<SourceSummary, 'repository' | 'commit' | 'remote'>;

/** The repositories of this window that have the commit which a task started from, or the same remote. */
async function repositoriesOfTask(
  repositories: Pick<Repositories, 'all'>,
  { commit, remote }: TaskSource,
): Promise<Repository[]> {
  const all = await repositories.all();
  const known = await Promise.all(
    all.map(async (candidate) => {
      if (await hasCommit(candidate, commit)) return candidate;
      return remote !== undefined && (await remotesOf(candidate)).some(({ url }) => url === remote)
        ? candidate
        : undefined;
    }),
  );
  return known.filter((candidate) => candidate !== undefined);
}

/** The same as their roots; none where nothing may be read. */
export function rootsOfTask(repositories: Pick<Repositories, 'all'>) {
  return async (source: TaskSource): Promise<string[]> =>
    vscode.workspace.isTrusted
      ? (await repositoriesOfTask(repositories, source)).map(({ root }) => root)
      : [];
}

/**
 * Which repository of this window a task is about: one that has the commit that it started from, or the same remote. Several of them (two
 * worktrees) are asked for.
 */
export async function repositoryOfTask(
  repositories: Pick<Repositories, 'all'>,
  source: TaskSource,
): Promise<Repository> {
  requireTrust();
  const { repository: name } = source;
  const [first, ...others] = await repositoriesOfTask(repositories, source);
  if (first === undefined) {
    throw new ExpectedError(
      'not_found',
      vscode.l10n.t('No repository of this window is {0}, which the task is about.', name),
      vscode.l10n.t('Open the folder that the task was delegated from, or another clone of it.'),
    );
  }
  return others.length === 0 ? first : pick([first, ...others]);
}

async function pick(repositories: Repository[]): Promise<Repository> {
  const picked = await vscode.window.showQuickPick(
    repositories.map((repository) => ({
      label: repository.name,
      description: repository.root,
      repository,
    })),
    { placeHolder: vscode.l10n.t('Which of them is the task about?'), ignoreFocusOut: true },
  );
  if (!picked) throw new Cancelled();
  return picked.repository;
}

async function hasCommit({ gitPath, root }: Repository, commit: string): Promise<boolean> {
  const ran = await gitAt(gitPath)(['-C', root, 'cat-file', '-e', `${commit}^{commit}`]);
  return ran.exitCode === 0;
}

/** The remotes of a repository; their addresses as tasks name them, without what lets somebody in. */
export async function remotesOf({
  gitPath,
  root,
}: Pick<Repository, 'gitPath' | 'root'>): Promise<{ name: string; url: string }[]> {
  const { stdout } = await gitAt(gitPath)(['-C', root, 'config', '--get-regexp', '^remote\\..*\\.url$']);
  return new TextDecoder()
    .decode(stdout)
    .split('\n')
    .flatMap((line) => {
      const [, name, url] = /^remote\.(.*)\.url (.*)$/.exec(line) ?? [];
      return name === undefined || url === undefined ? [] : [{ name, url: withoutCredentials(url) }];
    });
}
