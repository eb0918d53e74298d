import { cp, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { git } from './git.ts';

/** The small project that the demo and the tests delegate work on. */
export const SAMPLE_FILES = fileURLToPath(new URL('../fixtures/sample-repo', import.meta.url));

/**
 * Makes `directory` a clone-like repository of the sample project: branch `main`, one commit, the same on every machine.
 * @param remote URL that becomes `origin`; nothing is fetched or pushed
 * @returns the commit
 */
export async function createSampleRepo(directory: string, remote?: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await cp(SAMPLE_FILES, directory, { recursive: true });
  await commitAll(directory);
  if (remote !== undefined) await git(directory, ['remote', 'add', 'origin', remote]);
  return (await git(directory, ['rev-parse', 'HEAD'])).trim();
}

/** Makes a folder of files a repository with one commit of all of them on `main`. */
export async function commitAll(directory: string): Promise<void> {
  await git(directory, ['init', '--quiet', '--initial-branch=main']);
  await git(directory, ['add', '--all', '--force']);
  await git(directory, ['commit', '--quiet', '--allow-empty', '--message=First commit']);
}
