import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { callModel } from './agent/model.ts';
import { createTurn } from './agent/turn.ts';
import { loadConfig, loadRelayId, loadToken, modelSettings } from './config.ts';
import { createDatabase } from './engine/database.ts';
import { launchEngine } from './engine/durable.ts';
import { listen } from './engine/notices.ts';
import { startEmbeddedPostgres } from './engine/postgres.ts';
import { migrate } from './engine/schema.ts';
import { AppError } from './errors.ts';
import { createGitHubRemote } from './github/remote.ts';
import { createApp } from './http/app.ts';
import { serveHttp } from './http/serve.ts';
import { acquireLock } from './lock.ts';
import { DATA_FILES, type RelayFile } from './protocol/locations.ts';
import { PROTOCOL_VERSION } from './protocol/version.ts';
import { createGit } from './repo/git.ts';
import { createTaskRepo } from './repo/task-repo.ts';
import { findRelay, forgetRelay } from './running-relay.ts';
import { createSandboxProvider } from './sandbox/providers.ts';
import { createSandboxSessions } from './sandbox/sessions.ts';
import { createEventLog } from './tasks/event-log.ts';
import { createTaskStore } from './tasks/postgres-store.ts';
import { createPublishService } from './tasks/publish-service.ts';
import { createPublish, createTokenVault } from './tasks/publish-workflow.ts';
import { createReviewService } from './tasks/review-service.ts';
import { createSourceUploads } from './tasks/source-uploads.ts';
import { createStopSignals } from './tasks/stop-signals.ts';
import { createTaskService } from './tasks/task-service.ts';
import { createTaskStates } from './tasks/task-states.ts';
import { VERSION } from './version.ts';

export interface RunningRelay {
  url: string;
  token: string;
  /** Another process serves this data folder already; there is nothing to close here. */
  alreadyRunning: boolean;
  /** Stops serving. What runs is not waited for: it is journaled, and goes on when a relay starts again. */
  close(): Promise<void>;
  closed: Promise<void>;
}

/** Connections for the relay and DBOS together; embedded Postgres allows 60. */
const POOL_SIZE = 20;

/** The composition root: config, store, sandboxes, engine, http, in the order in which they need each other. */
export async function startRelay({
  env,
}: {
  env: Record<string, string | undefined>;
}): Promise<RunningRelay> {
  const config = await loadConfig(env);
  const lock = await acquireLock(config.dataDir);
  if (!lock) {
    const url = await findRelay(config.dataDir);
    return {
      url,
      token: await loadToken(config),
      alreadyRunning: true,
      close: async () => {},
      closed: Promise.resolve(),
    };
  }
  const logger = pino({ level: config.logLevel, base: { pid: process.pid } }, pino.destination(2));
  const token = await loadToken(config);
  const now = (): number => Date.now();

  const postgres = config.databaseUrl ? undefined : await startEmbeddedPostgres(config.dataDir, env);
  const databaseUrl = config.databaseUrl ?? postgres?.url ?? '';
  const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  pool.on('error', (error) => logger.warn({ err: error }, 'a database connection was lost'));
  await migrate(pool);
  const notices = await listen(databaseUrl);

  const database = createDatabase(pool);
  const log = createEventLog(database, notices, now);
  const store = createTaskStore(database, now);
  const states = createTaskStates(log);
  const stops = createStopSignals(store, notices);

  const git = createGit({ dataDir: config.dataDir, env });
  const reposDir = join(config.dataDir, 'repos');
  const sourcesDir = join(config.dataDir, 'sources');
  const repoDeps = { git, reposDir, sourcesDir, allowFileUrls: config.isLoopback };
  const repo = createTaskRepo(repoDeps);
  const provider = createSandboxProvider(config, (line) => logger.info({ sandbox: line }));
  const sandboxes = createSandboxSessions(provider, {
    get: async (taskId) => (await store.get(taskId))?.sandbox ?? null,
    set: store.setSandbox,
  });

  const turn = createTurn({
    log,
    store,
    states,
    stops,
    sandboxes,
    repo,
    modelSettings: (model) => modelSettings(config, model),
    callModel,
    now,
    random: Math.random,
    logger,
  });
  const tokens = createTokenVault();
  const github = { githubUrl: config.githubUrl, apiUrl: config.githubApiUrl };
  const remote = createGitHubRemote(repoDeps, github);
  const publish = createPublish({ store, log, tokens, remote, now, logger });

  const engine = await launchEngine({
    pool,
    url: databaseUrl,
    executorId: await loadRelayId(config),
    logger,
    workflows: { turn, publish },
  });
  const tasks = createTaskService({
    store,
    states,
    engine,
    now,
    release: async ({ taskId, sandbox }) => (sandbox ? sandboxes.destroy(taskId, sandbox) : undefined),
  });
  await tasks.mend();

  const closing = new AbortController();
  const app = createApp({
    token,
    allowedHosts: config.allowedHosts,
    version: VERSION,
    logger,
    log,
    tasks,
    closing: closing.signal,
    reviews: createReviewService({ tasks, log, repo }),
    publishing: createPublishService({ tasks, engine, tokens }),
    sources: createSourceUploads(sourcesDir),
    readiness: () => readiness(config),
  });
  const server = await serveHttp(app, config);
  const file: RelayFile = { url: server.url, pid: process.pid, version: VERSION, protocol: PROTOCOL_VERSION };
  await writeFile(join(config.dataDir, DATA_FILES.relay), `${JSON.stringify(file)}\n`, { mode: 0o600 });
  logger.info({ url: server.url, database: postgres?.origin ?? 'external' }, 'relay ready');

  const closed = Promise.withResolvers<void>();
  const close = async (): Promise<void> => {
    engine.freeze();
    closing.abort();
    await forgetRelay(config.dataDir);
    await server.close();
    await provider.close();
    postgres?.stop();
    await lock.release();
    closed.resolve();
  };
  return { url: server.url, token, alreadyRunning: false, close, closed: closed.promise };
}

function readiness(config: Awaited<ReturnType<typeof loadConfig>>) {
  try {
    const { model } = modelSettings(config, undefined);
    return { ready: true, modelConfigured: true, model, sandbox: config.sandbox };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ready: true, modelConfigured: false, sandbox: config.sandbox };
  }
}
