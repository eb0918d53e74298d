import type { Logger } from 'pino';
import { every } from '../engine/every.ts';
import { readEnvironmentFiles } from '../environment/files.ts';
import type { PublishService } from '../publish/publish-service.ts';
import { listChanges } from '../repo/changes.ts';
import { readTemplate } from '../repo/pull-request-template.ts';
import type { HoldTask } from '../tasks/task-hold.ts';
import type { TaskService } from '../tasks/task-service.ts';
import type { Teardown } from '../teardown.ts';
import { createOpener } from '../unattended/opener.ts';
import { createUnattendedService, type UnattendedService } from '../unattended/unattended-service.ts';
import type { Storage } from './storage.ts';
import type { Workplace } from './workplace.ts';
import type { Works } from './works.ts';

/** How often (ms) to look whether something may be opened, or whose time is over. */
const LOOK_MS = 1000;

/** Pull requests that are opened with nobody there: from now on this host's are looked for. */
export function composeUnattended(
  logger: Logger,
  teardown: Teardown,
  { states, log, host, now }: Storage,
  { repo, repoDeps, remote, around }: Workplace,
  { deposits }: Works,
  { tasks, hold, publishing }: { tasks: TaskService; hold: HoldTask; publishing: PublishService },
): UnattendedService {
  const look = createOpener({
    ...{ deposits, states, hold, log, repo, publishing, host, now, logger },
    changes: (taskId, from, to) => listChanges(repoDeps, taskId, from, to),
    readConfig: async (taskId, tree) => (await readEnvironmentFiles(repoDeps, taskId, tree)).config,
    template: (taskId, tree) => readTemplate(repoDeps, taskId, tree),
  });
  const looks = every(LOOK_MS, look, (error) =>
    logger.warn({ err: error }, 'what is to be opened unattended could not be looked after'),
  );
  teardown.add(() => void looks.stop());
  return createUnattendedService({ tasks, hold, deposits, remote, key: around.vaultKey, now });
}
