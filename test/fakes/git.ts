import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Author and time of everything that fixtures commit: equal content gives equal object names on every machine. */
export const FIXTURE_IDENTITY = {
  GIT_AUTHOR_NAME: 'Sam Sample',
  GIT_AUTHOR_EMAIL: 'sam@example.test',
  GIT_AUTHOR_DATE: '2025-05-01T12:00:00Z',
  GIT_COMMITTER_NAME: 'Sam Sample',
  GIT_COMMITTER_EMAIL: 'sam@example.test',
  GIT_COMMITTER_DATE: '2025-05-01T12:00:00Z',
} as const;

/** Keeps the configuration of whoever runs the tests out of them: no hooks, no signing, no credential helper. */
export const ISOLATED_GIT = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
} as const;

/** Runs Git as the fixture's person; resolves with stdout, rejects with stderr in the message. */
export async function git(directory: string, args: string[]): Promise<string> {
  const env = { ...process.env, ...ISOLATED_GIT, ...FIXTURE_IDENTITY };
  const { stdout } = await run('git', args, { cwd: directory, env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
