import type { Logger } from 'pino';
import { createAftermathStore } from '../aftermath/store.ts';
import { type Config, readiness } from '../config.ts';
import { every } from '../engine/every.ts';
import { isServedBy } from '../github/remote-url.ts';
import { createCommandService } from '../handbook/command-service.ts';
import { type App, createApp } from '../http/app.ts';
import { OWNER } from '../http/auth.ts';
import { createPreflight } from '../publish/preflight.ts';
import { createPublishService } from '../publish/publish-service.ts';
import { explainByDisk } from '../repo/disk.ts';
import { createAgentService } from '../tasks/agent-service.ts';
import { createCommentService } from '../tasks/comment-service.ts';
import { createKeptWorkService } from '../tasks/kept-work-service.ts';
import { createProposalEdits } from '../tasks/proposal-edits.ts';
import { createReviewService } from '../tasks/review-service.ts';
import { createRollbackService } from '../tasks/rollback-service.ts';
import { createSourceUploads } from '../tasks/source-uploads.ts';
import { createTaskHold } from '../tasks/task-hold.ts';
import { createTaskService } from '../tasks/task-service.ts';
import { createUpdateService } from '../tasks/update-service.ts';
import type { Teardown } from '../teardown.ts';
import { exportTask } from '../transfer/export-task.ts';
import { importTask } from '../transfer/import-task.ts';
import { VERSION } from '../version.ts';
import { composeFollowing } from './follow.ts';
import { composePreviews } from './previews.ts';
import type { Storage } from './storage.ts';
import { composeUnattended } from './unattended.ts';
import type { Workplace } from './workplace.ts';
import type { Works } from './works.ts';

/** How often (ms) to free what archived tasks still hold here, because a relay died, or was another machine's. */
const RELEASE_EVERY_MS = 30_000;

/** The HTTP API over everything that was opened. */
export function composeApp(
  config: Config,
  logger: Logger,
  teardown: Teardown,
  {
    token,
    storage,
    workplace,
    works,
  }: { token: string; storage: Storage; workplace: Workplace; works: Works },
): App {
  const { database, log, store, states, cachedStates, troubles, host, now } = storage;
  const { repo, repoDeps, remote, commits, sandboxes, sourcesDir, transfersDir } = workplace;
  const { engine, tokens, wake, conversation, usage, traces } = works;
  const mayReadFiles = (owner: string): boolean => owner === OWNER || config.fileSources === 'all';
  const tasks = createTaskService({
    store,
    states,
    wake,
    now,
    host,
    async release({ taskId, sandbox }) {
      await workplace.forks.release(taskId);
      await sandboxes.destroy(taskId, sandbox);
      await workplace.around.release(taskId);
    },
    mayReadFiles,
    onReleaseFailed: (taskId, error) =>
      logger.warn({ taskId, err: error }, 'the sandbox of an archived task could not be removed'),
  });
  const releases = every(RELEASE_EVERY_MS, tasks.releaseArchived, (error) =>
    logger.warn({ err: error }, 'archived tasks could not be looked after'),
  );
  teardown.add(() => void releases.stop());

  const aftermaths = createAftermathStore(database);
  const hold = createTaskHold(database, states, now);
  const publishing = createPublishService({ ...commits, tasks, engine, tokens });
  const closing = new AbortController();
  teardown.add(() => closing.abort());
  const transfers = { database, repo: repoDeps, transfersDir, host, mayReadFiles, version: VERSION, now };
  return createApp({
    token,
    users: config.users,
    allowedHosts: config.allowedHosts,
    version: VERSION,
    logger,
    log,
    tasks,
    conversation,
    agents: createAgentService({ store, states, wake, now }),
    keptWork: createKeptWorkService({ tasks, hold, repo }),
    commands: createCommandService({ rowOf: tasks.row, handbookOf: works.handbookOf }),
    isAftermathOver: aftermaths.isOver,
    closing: closing.signal,
    reviews: createReviewService({ tasks, hold, repo }),
    edits: createProposalEdits({ tasks, hold, repo }),
    rollbacks: createRollbackService({ tasks, log, hold, repo }),
    updates: createUpdateService({
      ...{ tasks, log, hold, repo, mayReadFiles },
      takesToken: (url) => isServedBy(url, config.githubUrl),
      haveLeft: aftermaths.haveLeft,
    }),
    comments: createCommentService({ hold, repo, wake, now }),
    preflight: createPreflight({ tasks, repo: repoDeps, remote }),
    publishing,
    following: composeFollowing(config, logger, storage, workplace, { tasks, hold, wake }),
    webhookSecret: config.githubWebhookSecret,
    unattended: composeUnattended(logger, teardown, storage, workplace, works, { tasks, hold, publishing }),
    sources: createSourceUploads(sourcesDir),
    transfers: {
      export: (taskId) => exportTask(transfers, taskId),
      async import(body, owner) {
        const imported = await importTask(transfers, body, owner);
        // It may have been here before, and been removed.
        cachedStates.delete(imported.taskId);
        return imported;
      },
    },
    usage,
    traces,
    secrets: workplace.around.secrets,
    prebuilds: workplace.prebuilds,
    mayReadFiles,
    previews: composePreviews(config, logger, teardown, { token, storage, workplace }),
    async readiness() {
      const found = await troubles.current();
      return { ...readiness(config), ...(found.length > 0 ? { troubles: found } : {}) };
    },
    explain: (thrown) => explainByDisk(thrown, [config.workDir]),
  });
}
