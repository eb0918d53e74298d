import { AppError } from '../errors.ts';
import type { Proposal } from '../protocol/task.ts';
import type { TaskService } from './task-service.ts';

/** What is proposed before the first change: the base itself. Throws `conflict` before the repository was fetched. */
export async function firstProposal(tasks: Pick<TaskService, 'row'>, taskId: string): Promise<Proposal> {
  const { prepared } = await tasks.row(taskId);
  if (!prepared) throw nothingProposed();
  return { revision: 0, baseTree: prepared.baseTree, headTree: prepared.baseTree, files: [] };
}

export function nothingProposed(): AppError {
  return new AppError('conflict', 'The repository has not been fetched yet, so there is nothing to review.', {
    nextAction: 'Wait until the task has begun to work.',
  });
}
