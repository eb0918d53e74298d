import type { Database } from '../engine/database.ts';
import { AppError } from '../errors.ts';
import { createPublications } from '../follow/publications.ts';
import type { PullRequest } from '../protocol/events.ts';
import type { TaskState } from '../protocol/task.ts';

type Place = Pick<PullRequest, 'number' | 'url'>;

/** The task's pull request that this relay opened and that is, as far as it knows, open still: with nobody there nothing is pushed to it. */
export async function openPullRequest(
  client: Pick<Database, 'query'>,
  { taskId, pullRequest }: Pick<TaskState, 'taskId' | 'pullRequest'>,
): Promise<Place | undefined> {
  const opened = await createPublications(client).pullRequestOf(taskId);
  const isOver = pullRequest?.url === opened?.url && (pullRequest?.state ?? 'open') !== 'open';
  return isOver ? undefined : opened;
}

export const openAlready = ({ number }: Place): AppError =>
  new AppError('conflict', `Pull request #${number} of this task is open already.`, {
    nextAction:
      'Bring it up to date yourself. If it was merged or closed, refresh its status, and leave the token again.',
  });
