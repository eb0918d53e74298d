import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { createActivity } from '../preview/activity.ts';
import { createPreviewStore } from '../preview/postgres-store.ts';
import { createPreviews, type Previews } from '../preview/previews.ts';
import type { PreviewMachines } from '../preview/reach.ts';
import type { Teardown } from '../teardown.ts';
import type { Storage } from './storage.ts';
import type { Workplace } from './workplace.ts';

/** Previews of the tasks whose machines this relay reaches, on the port after its own. */
export function composePreviews(
  config: Config,
  logger: Logger,
  teardown: Teardown,
  { token, storage, workplace }: { token: string; storage: Storage; workplace: Workplace },
): Previews {
  const { database, now } = storage;
  const own = new Set([token, ...Object.values(config.users)].map((secret) => `Bearer ${secret}`));
  const previews = createPreviews({
    store: createPreviewStore(database),
    machines: previewMachines(storage, workplace),
    onActivity: createActivity(database, {
      idleMs: config.idleMs,
      now,
      onError: (taskId, error) => logger.warn({ taskId, err: error }, 'the use of a preview was not noted'),
    }),
    isOwnSecret: (authorization) => own.has(authorization),
    listen: {
      // Names below localhost lead nowhere else; a name that the owner chose is reached as the relay is.
      host: config.previewUrl === undefined ? '127.0.0.1' : config.host,
      port: config.port === 0 || config.port === 65_535 ? 0 : config.port + 1,
      isChosen: config.previewUrl !== undefined,
    },
    previewUrl: config.previewUrl,
    now,
    logger,
  });
  previews
    .restore()
    .catch((error: unknown) => logger.warn({ err: error }, 'earlier previews are not served'));
  teardown.add(() => previews.close());
  return previews;
}

/** What is believed of a machine is checked with its provider, as somebody waits to see it. */
function previewMachines({ store, host }: Storage, workplace: Workplace): PreviewMachines {
  const { machineStore, providers, sessions } = workplace;
  return {
    async find(taskId) {
      const machine = await machineStore.get(taskId);
      if (!machine?.ref || machine.isArchived) return 'none';
      if (machine.state === 'lost' || machine.state === 'provisioning') return 'none';
      const provider = await providers.of(machine.ref.provider);
      if (provider.traits.locality === 'host' && (await store.get(taskId))?.host !== host) throw elsewhere();
      if (machine.state !== 'running') return 'asleep';
      const truth = await provider.state(machine.ref);
      if (truth === 'gone') return 'none';
      return truth === 'running' ? sessions.open(taskId) : 'asleep';
    },
    wake: (taskId) => sessions.wake(taskId),
  };
}

const elsewhere = (): AppError =>
  new AppError('host_away', 'The task’s sandbox is on another machine of this relay.', {
    nextAction: 'Ask the relay on that machine, or delegate the task anew from here.',
  });
