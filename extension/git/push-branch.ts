import * as vscode from 'vscode';
import { ExpectedError } from '../ui/failure.ts';
import { pushWithEditor } from './git-extension.ts';
import { fetchBundle, type Repo } from './local-branch.ts';
import { remotesOf } from './task-repository.ts';

/**
 * Pushes the commits of a bundle with the person's own Git: their credentials, helpers and keys, and the editor's questions for what is
 * missing. The branch is the remote's; no local one is made.
 */
export async function pushBundle(
  repo: Repo & { gitPath: string },
  bundle: Uint8Array,
  { commit, branch, remote }: { commit: string; branch: string; remote: string },
): Promise<void> {
  const held = `refs/handoff/${commit}`;
  await fetchBundle(repo, bundle, { commit, ref: held });
  try {
    const remotes = await remotesOf(repo);
    const name = remotes.find(({ url }) => url === remote)?.name;
    if (name === undefined) throw noRemote(remote);
    const refspec = `${held}:refs/heads/${branch}`;
    const isDone = await pushWithEditor(repo.root, name, refspec).catch((error: unknown) => {
      throw pushFailed(stderrOf(error), error);
    });
    if (!isDone) await pushAlone(repo, name, refspec);
  } finally {
    await repo.git(['-C', repo.root, 'update-ref', '-d', held]);
  }
}

/** Where the editor's Git extension does not have the repository: whatever would ask fails instead. */
async function pushAlone({ git, root }: Repo, remote: string, refspec: string): Promise<void> {
  const env = {
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: process.env['GIT_SSH_COMMAND'] ?? 'ssh -o BatchMode=yes',
  };
  const { exitCode, stderr } = await git(['-C', root, 'push', '--porcelain', remote, refspec], { env });
  if (exitCode !== 0) throw pushFailed(stderr);
}

const stderrOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : String(error);

function pushFailed(stderr: string, cause?: unknown): ExpectedError {
  // Remotes put addresses into what they print, and people put passwords into addresses.
  const words = stderr
    .replace(/\/\/[^/\s@]*@/g, '//')
    .trim()
    .slice(-600);
  return new ExpectedError(
    'push_rejected',
    vscode.l10n.t('Your Git could not push: {0}', words),
    vscode.l10n.t('Choose another branch name, or mend what Git says and try again.'),
    cause,
  );
}

const noRemote = (remote: string): ExpectedError =>
  new ExpectedError(
    'remote_missing',
    vscode.l10n.t('The repository here has no remote {0}.', remote),
    vscode.l10n.t('Add it (git remote add), or commit to a local branch and push that yourself.'),
  );
