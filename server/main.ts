import { join } from 'node:path';
import pg from 'pg';
import type { Logger } from 'pino';
import { createAfterTurns } from './aftermath/parts.ts';
import { callModel } from './agent/model.ts';
import { createTurn } from './agent/turn.ts';
import {
  type Config,
  loadConfig,
  loadHostId,
  loadRelayId,
  loadToken,
  modelSettings,
  readiness,
} from './config.ts';
import { createClaims } from './engine/claims.ts';
import { createDatabase, OF_A_PERSON, OF_A_TURN } from './engine/database.ts';
import { createDispatcher } from './engine/dispatcher.ts';
import { launchEngine } from './engine/durable.ts';
import { createKillPoints } from './engine/kill-points.ts';
import { joinRelays } from './engine/membership.ts';
import { listen } from './engine/notices.ts';
import { startEmbeddedPostgres } from './engine/postgres.ts';
import { migrate } from './engine/schema.ts';
import { createGitHubRemote } from './github/remote.ts';
import { fileChores } from './housekeeping/file-chores.ts';
import { keepHouse } from './housekeeping/housekeeping.ts';
import { recordChores } from './housekeeping/record-chores.ts';
import { createRoom } from './housekeeping/room.ts';
import { createTroubles } from './housekeeping/troubles.ts';
import { createApp } from './http/app.ts';
import { serveHttp } from './http/serve.ts';
import { createLogger } from './logger.ts';
import type { TaskState } from './protocol/task.ts';
import { PROTOCOL_VERSION } from './protocol/version.ts';
import { explainByDisk } from './repo/disk.ts';
import { createGit } from './repo/git.ts';
import { restoreWorkspace } from './repo/restore.ts';
import { createTaskRepo } from './repo/task-repo.ts';
import { announceRelay, forgetRelay, takeFolder } from './running-relay.ts';
import { createSandboxProvider } from './sandbox/providers.ts';
import { createSandboxSessions } from './sandbox/sessions.ts';
import { createConversationService } from './tasks/conversation-service.ts';
import { createEventLog } from './tasks/event-log.ts';
import { exportTask } from './tasks/export-task.ts';
import { createHeldTurns } from './tasks/held-turns.ts';
import { importTask } from './tasks/import-task.ts';
import { createTaskStore } from './tasks/postgres-store.ts';
import { createPublishService } from './tasks/publish-service.ts';
import {
  createPublish,
  createTokenVault,
  giveUpPublish,
  type PublishInput,
} from './tasks/publish-workflow.ts';
import { createReviewService } from './tasks/review-service.ts';
import { createSourceUploads } from './tasks/source-uploads.ts';
import { createTaskService } from './tasks/task-service.ts';
import { createTaskStates } from './tasks/task-states.ts';
import { createTurnSignals } from './tasks/turn-signals.ts';
import { createTeardown, type Teardown } from './teardown.ts';
import { VERSION } from './version.ts';

export interface RunningRelay {
  url: string;
  /** Another process serves this data folder already; there is nothing to close here. */
  alreadyRunning: boolean;
  /** Stops serving. What runs is not waited for: it is journaled, and goes on when a relay starts again. */
  close(): Promise<void>;
  closed: Promise<void>;
}

/** Connections for the relay and DBOS together; embedded Postgres allows 60. */
const POOL_SIZE = 20;

/** Serves the data folder that `env` names, unless another relay does. A start that fails leaves nothing open behind it. */
export async function startRelay({
  env,
}: {
  env: Record<string, string | undefined>;
}): Promise<RunningRelay> {
  const config = await loadConfig(env);
  const folder = await takeFolder(config.dataDir);
  if ('url' in folder) {
    return { url: folder.url, alreadyRunning: true, close: async () => {}, closed: Promise.resolve() };
  }
  const logger = createLogger(config.logLevel);
  const teardown = createTeardown();
  const closed = Promise.withResolvers<void>();
  const close = async (): Promise<void> => {
    await teardown.run((error) => logger.warn({ err: error }, 'something did not close'));
    closed.resolve();
  };
  teardown.add(() => folder.lock.release());
  try {
    const url = await compose(config, logger, teardown);
    return { url, alreadyRunning: false, close, closed: closed.promise };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * The composition root: http, store, sandboxes, engine, in the order in which they need each other. The port comes first,
 * so that one that is taken is found out before anything is started.
 *
 * Two things are left to the end of the process. The sandboxes' connections: a command that loses its own would answer
 * `lost`, and as tools in flight go on for a moment, that would be appended as its result. And the database's pool, whose
 * connections they hold: an append finds Postgres ending, waits for it, and is made by the next relay instead.
 * @returns where it serves
 */
async function compose(config: Config, logger: Logger, teardown: Teardown): Promise<string> {
  const { dataDir, workDir, env } = config;
  // A killed relay's would lead whoever waits for this one astray.
  await forgetRelay(dataDir);
  const token = await loadToken(config);
  const now = (): number => Date.now();
  const server = await serveHttp(config);
  teardown.add(() => server.close());

  const postgres = config.databaseUrl ? undefined : await startEmbeddedPostgres(dataDir, env, logger);
  teardown.add(() => postgres?.stop());
  const databaseUrl = config.databaseUrl ?? postgres?.url ?? '';
  const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  pool.on('error', (error) => logger.warn({ err: error }, 'a database connection was lost'));
  await migrate(pool);
  const notices = await listen(databaseUrl);
  teardown.add(() => notices.close());

  // A person who waits for an answer is told that the database is away; a turn waits until it is back.
  const troubles = createTroubles([workDir]);
  const database = createDatabase(pool, OF_A_PERSON, troubles.watchDatabase());
  const patient = createDatabase(pool, OF_A_TURN, troubles.watchDatabase());
  const killPoints = createKillPoints(config.killPoints);
  const log = createEventLog(database, notices, now);
  const store = killPoints.store(createTaskStore(database, now));
  const cachedStates = new Map<string, TaskState>();
  const states = createTaskStates(log, cachedStates);
  const turnLog = killPoints.log(createEventLog(patient, notices, now));
  const turnStore = killPoints.store(createTaskStore(patient, now));

  const git = createGit({ dataDir, env });
  const reposDir = join(workDir, 'repos');
  const sourcesDir = join(workDir, 'sources');
  const repoDeps = { git, reposDir, sourcesDir, allowFileUrls: config.isLoopback };
  const repo = createTaskRepo(repoDeps);
  const provider = createSandboxProvider(config, (line) => logger.info({ sandbox: line }));
  const sessions = createSandboxSessions(provider, {
    get: async (taskId) => (await turnStore.get(taskId))?.sandbox ?? null,
    set: turnStore.setSandbox,
  });
  const sandboxes = killPoints.sandboxes(sessions);
  const tokens = createTokenVault();
  const github = { githubUrl: config.githubUrl, apiUrl: config.githubApiUrl };
  const remote = createGitHubRemote(repoDeps, github);
  const publish = createPublish({ store, log, tokens, remote, now, logger });

  const relayId = await loadRelayId(config);
  const host = await loadHostId(config);
  const afterTurns = createAfterTurns({
    database: patient,
    notices,
    cachedStates,
    sandboxes: sessions,
    repo,
    restoreWorkspace,
    notifyUrl: config.notifyUrl,
    idleMs: config.idleMs,
    host,
    now,
    logger,
  });
  const engine = await launchEngine({
    pool,
    url: databaseUrl,
    relayId,
    host,
    logger,
    workflows: { publish, aftermath: afterTurns.workflow },
  });
  teardown.add(() => engine.freeze());

  const claims = createClaims(patient, { relayId, host, limits: config.limits });
  const watch = afterTurns.watch(engine);
  teardown.add(() => void watch.stop());
  const room = createRoom({ folders: [workDir], log: turnLog, store: turnStore, logger });
  const turn = createTurn({
    log: turnLog,
    store: turnStore,
    states: createTaskStates(turnLog, cachedStates),
    signals: createTurnSignals(turnStore, notices),
    sandboxes: room.sandboxes(sandboxes),
    repo: room.repo(repo),
    modelSettings: (model) => modelSettings(config, model),
    callModel,
    now,
    random: Math.random,
    onEnded: watch.onEnded,
    idleMs: config.idleMs,
    logger,
  });
  const membership = await joinRelays({
    url: databaseUrl,
    relayId,
    host,
    version: VERSION,
    onDead: async (dead) => {
      const turns = await claims.release(dead.relayId);
      const abandoned = dead.host === host ? await engine.adopt(dead.relayId) : [];
      if (turns > 0)
        logger.info({ relay: dead.relayId, turns }, 'turns of a relay that is gone wait to be claimed');
      for (const { workflow, input } of abandoned) {
        logger.warn({ workflow }, 'a workflow of another version is given up');
        if (workflow === 'publish') await giveUpPublish(log, input as PublishInput);
      }
    },
    logger,
  });
  const dispatcher = createDispatcher({
    claims,
    run: killPoints.run(turn),
    hasPeers: membership.hasPeers,
    onIdle: createHeldTurns({ claims, store: turnStore }),
    notices,
    logger,
  });
  teardown.add(() => membership.close());
  teardown.add(() => dispatcher.freeze());
  teardown.add(() => dispatcher.drain(config.graceMs));
  const tasks = createTaskService({
    store,
    states,
    wake: dispatcher.wake,
    now,
    host,
    release: async ({ taskId, sandbox }) => (sandbox ? sandboxes.destroy(taskId, sandbox) : undefined),
  });
  await tasks.releaseArchived();

  const transfersDir = join(workDir, 'transfers');
  const chores = [
    ...recordChores({ database, engine, retentionMs: config.retentionMs, now }),
    ...fileChores({ database, reposDir, sourcesDir, transfersDir, host, now }),
  ];
  const housekeeping = keepHouse({ pool, chores, logger }, now);
  teardown.add(() => void housekeeping.stop());
  const transferDeps = { database, repo: repoDeps, transfersDir, host, version: VERSION, now };
  const closing = new AbortController();
  teardown.add(() => closing.abort());
  const app = createApp({
    token,
    users: config.users,
    allowedHosts: config.allowedHosts,
    version: VERSION,
    logger,
    log,
    tasks,
    conversation: createConversationService({ store, wake: dispatcher.wake, onEnded: watch.onEnded, now }),
    closing: closing.signal,
    reviews: createReviewService({ tasks, log, repo }),
    publishing: createPublishService({ tasks, engine, tokens }),
    sources: createSourceUploads(sourcesDir),
    transfers: {
      export: (taskId) => exportTask(transferDeps, taskId),
      async import(body, owner) {
        const imported = await importTask(transferDeps, body, owner);
        // It may have been here before, and been removed.
        cachedStates.delete(imported.taskId);
        return imported;
      },
    },
    usage: afterTurns.usage,
    async readiness() {
      const found = await troubles.current();
      return { ...readiness(config), ...(found.length > 0 ? { troubles: found } : {}) };
    },
    explain: (thrown) => explainByDisk(thrown, [workDir]),
  });
  server.use(app);
  dispatcher.wake();
  await announceRelay(dataDir, {
    url: server.url,
    pid: process.pid,
    version: VERSION,
    protocol: PROTOCOL_VERSION,
  });
  teardown.add(() => forgetRelay(dataDir));
  logger.info({ url: server.url, database: postgres?.origin ?? 'external' }, 'relay ready');
  return server.url;
}
