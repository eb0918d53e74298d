import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { createGitHubRemote } from '../github/remote.ts';
import { createGit } from '../repo/git.ts';
import { createTaskRepo } from '../repo/task-repo.ts';
import { createSandboxProvider } from '../sandbox/providers.ts';
import { createSandboxSessions } from '../sandbox/sessions.ts';
import type { Storage } from './storage.ts';

/** Where repositories, sandboxes and files that come and go are. */
export type Workplace = ReturnType<typeof openWorkplace>;

/**
 * Opens this machine's repositories and sandboxes. The sandboxes' connections are left to the end of the process: a command that
 * loses its own would answer `lost`, and as tools in flight go on for a moment, that would be appended as its result.
 */
export function openWorkplace(config: Config, logger: Logger, { turnStore, killPoints }: Storage) {
  const { dataDir, workDir, env } = config;
  const folders = {
    reposDir: join(workDir, 'repos'),
    sourcesDir: join(workDir, 'sources'),
    transfersDir: join(workDir, 'transfers'),
  };
  const repoDeps = {
    git: createGit({ dataDir, env }),
    ...folders,
    allowFileUrls: config.isLoopback,
  };
  const provider = createSandboxProvider(config, (line) => logger.info({ sandbox: line }));
  const sessions = createSandboxSessions(provider, {
    get: async (taskId) => (await turnStore.get(taskId))?.sandbox ?? null,
    set: turnStore.setSandbox,
  });
  return {
    ...folders,
    repoDeps,
    repo: createTaskRepo(repoDeps),
    remote: createGitHubRemote(repoDeps, { githubUrl: config.githubUrl, apiUrl: config.githubApiUrl }),
    sessions,
    sandboxes: killPoints.sandboxes(sessions),
  };
}
