import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { createFixes } from '../follow/fixes.ts';
import { createFollowService, type FollowService } from '../follow/follow-service.ts';
import { createPublications } from '../follow/publications.ts';
import { createReadStatus } from '../follow/read-status.ts';
import type { HoldTask } from '../tasks/task-hold.ts';
import type { TaskService } from '../tasks/task-service.ts';
import type { Storage } from './storage.ts';
import type { Workplace } from './workplace.ts';

/** What becomes of pull requests once they are open. */
export function composeFollowing(
  { githubUrl, githubApiUrl: apiUrl }: Config,
  logger: Logger,
  { database, log, now }: Storage,
  { around }: Workplace,
  { tasks, hold, wake }: { tasks: TaskService; hold: HoldTask; wake: () => void },
): FollowService {
  const publications = createPublications(database);
  const { hide } = around.surroundings;
  const fixes = createFixes({ tasks, hold, publications, wake, hide, now });
  const readStatus = createReadStatus();
  return createFollowService({
    ...{ database, tasks, hold, log, publications, fixes, readStatus, githubUrl, apiUrl },
    now,
    logger,
  });
}
