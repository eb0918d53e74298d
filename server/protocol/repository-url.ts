import { type CaptureDeps, fileUrl, withoutCredentials } from './capture-git.ts';

/**
 * By which address a repository is known: its remote's (`origin`, else the first), else that of its folder.
 * @returns undefined where `folder` is in no repository
 */
export async function repositoryUrl(git: CaptureDeps['git'], folder: string): Promise<string | undefined> {
  const lines = async (...args: string[]): Promise<string[]> => {
    const { exitCode, stdout } = await git(['-C', folder, ...args], { env: { GIT_OPTIONAL_LOCKS: '0' } });
    return exitCode === 0 ? new TextDecoder().decode(stdout).split(/\r?\n/).filter(Boolean) : [];
  };
  const [toplevel] = await lines('rev-parse', '--show-toplevel');
  if (toplevel === undefined) return undefined;
  const remotes = await lines('remote');
  const remote = remotes.includes('origin') ? 'origin' : remotes[0];
  const [url] = remote === undefined ? [] : await lines('remote', 'get-url', '--', remote);
  return url === undefined ? fileUrl(toplevel) : withoutCredentials(url);
}
