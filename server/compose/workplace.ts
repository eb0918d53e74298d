import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type Config, readiness } from '../config.ts';
import { createGitHubRemote } from '../github/remote.ts';
import { createGit } from '../repo/git.ts';
import { repoPath } from '../repo/repository.ts';
import { restoreWorkspace } from '../repo/restore.ts';
import { createSpawner } from '../repo/spawner/spawner.ts';
import { createTaskRepo } from '../repo/task-repo.ts';
import { createForkStore } from '../sandbox/forks/fork-store.ts';
import { createForks } from '../sandbox/forks/forks.ts';
import { createGate } from '../sandbox/forks/gate.ts';
import { createSpawnBreaker } from '../sandbox/lifecycle/breaker.ts';
import { createContents } from '../sandbox/lifecycle/contents.ts';
import { restAfterLimit } from '../sandbox/lifecycle/limits.ts';
import { createMachineStore } from '../sandbox/lifecycle/machine-store.ts';
import { createMachines } from '../sandbox/lifecycle/machines.ts';
import { createPrebuildStore } from '../sandbox/prebuild/prebuild-store.ts';
import { createPrebuilds } from '../sandbox/prebuild/prebuilds.ts';
import { createProviders, program } from '../sandbox/providers.ts';
import { createTaskHold } from '../tasks/task-hold.ts';
import type { Storage } from './storage.ts';
import { openSurroundings } from './surroundings.ts';

/** Where repositories, sandboxes and files that come and go are. */
export type Workplace = ReturnType<typeof openWorkplace>;

/**
 * Opens this machine's repositories and sandboxes. The sandboxes' connections are left to the end of the process: a command that
 * loses its own would answer `lost`, and as tools in flight go on for a moment, that would be appended as its result.
 */
export function openWorkplace(config: Config, logger: Logger, storage: Storage) {
  const { store, turnStore, turnStates, killPoints, patient, host, now } = storage;
  const { dataDir, workDir, env } = config;
  const folders = {
    reposDir: join(workDir, 'repos'),
    sourcesDir: join(workDir, 'sources'),
    transfersDir: join(workDir, 'transfers'),
  };
  const repoDeps = {
    git: createGit({ dataDir, env, start: createSpawner(program('spawner.mjs')).start }),
    ...folders,
    allowFileUrls: config.isLoopback,
  };
  const repo = createTaskRepo(repoDeps);
  const machineStore = createMachineStore(patient, now, config.idleMs);
  const providers = createProviders(config, {
    owner: storage.host,
    log: (line) => logger.info({ sandbox: line }),
    onLimit(ref, message) {
      logger.warn({ sandbox: ref.id }, message);
      restAfterLimit({ database: patient, store: machineStore }, ref, message).catch((error: unknown) =>
        logger.warn({ err: error }, 'nobody was told that a sandbox went past a limit'),
      );
    },
  });
  const around = openSurroundings(config, storage, { repoDeps, repo, provider: providers.current });
  const { surroundings } = around;
  const prebuilds = createPrebuilds({
    store: createPrebuildStore(patient, host, now),
    provider: providers.current,
    providerOf: providers.of,
    repo: {
      ...repo,
      remove: (id) => rm(repoPath(repoDeps, id), { recursive: true, force: true, maxRetries: 3 }),
    },
    environment: around.prebuilds,
    mayReadFiles: around.mayReadFiles,
    most: config.sandbox.warm,
    now,
    logger,
  });
  const contents = createContents({
    repo,
    restoreWorkspace,
    store: turnStore,
    states: turnStates,
    hold: createTaskHold(patient, turnStates, now),
    surroundings,
  });
  const sessions = createMachines({
    provider: providers.current,
    providerOf: providers.of,
    store: machineStore,
    contents,
    surroundings,
    breaker: createSpawnBreaker(now),
    prebuilds,
    now,
    logger,
  });
  const gate = createGate();
  const forks = createForks({
    store: createForkStore(patient, host),
    machines: sessions,
    providerOf: providers.of,
    surroundings,
    gate,
    logger,
  });
  return {
    ...folders,
    gate,
    forks,
    repoDeps,
    repo,
    providers,
    around,
    prebuilds,
    contents,
    machineStore,
    commits: { repo: repoDeps, store, defaultModel: () => readiness(config).model, now },
    remote: createGitHubRemote(repoDeps, { githubUrl: config.githubUrl, apiUrl: config.githubApiUrl }),
    sessions,
    sandboxes: killPoints.sandboxes(sessions),
  };
}
