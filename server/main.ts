import type { Logger } from 'pino';
import { composeApp } from './compose/app.ts';
import { openStorage } from './compose/storage.ts';
import { openWorkplace } from './compose/workplace.ts';
import { startWorks } from './compose/works.ts';
import { type Config, loadConfig, loadToken } from './config.ts';
import { serveHttp } from './http/serve.ts';
import { createLogger } from './logger.ts';
import { PROTOCOL_VERSION } from './protocol/version.ts';
import { announceRelay, forgetRelay, takeFolder } from './running-relay.ts';
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
 * The composition root: port, database, machine, work, API, in the order in which they need each other. The port comes first,
 * so that one that is taken is found out before anything is started.
 * @returns where it serves
 */
async function compose(config: Config, logger: Logger, teardown: Teardown): Promise<string> {
  const { dataDir } = config;
  // A killed relay's would lead whoever waits for this one astray.
  await forgetRelay(dataDir);
  const token = await loadToken(config);
  const server = await serveHttp(config);
  teardown.add(() => server.close());

  const storage = await openStorage(config, logger, teardown);
  const workplace = openWorkplace(config, logger, storage);
  const works = await startWorks(config, logger, teardown, storage, workplace);
  server.use(composeApp(config, logger, teardown, { token, storage, workplace, works }));
  works.wake();
  await announceRelay(dataDir, {
    url: server.url,
    pid: process.pid,
    version: VERSION,
    protocol: PROTOCOL_VERSION,
  });
  teardown.add(() => forgetRelay(dataDir));
  logger.info({ url: server.url, database: storage.origin }, 'relay ready');
  return server.url;
}
