import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { AcceptedFile, Changes, FileChange, PutReview, ReviewRecorded } from '../protocol/review.ts';
import type { Proposal } from '../protocol/task.ts';
import { GitError } from '../repo/git.ts';
import type { EventLog } from './event-log.ts';
import type { TaskService } from './task-service.ts';

/** Reading a proposal and deciding on it. Works with the sandbox off: everything is in the relay's own repository. */
export interface ReviewService {
  changes(taskId: string): Promise<Changes>;
  blob(taskId: string, oid: string): Promise<Uint8Array>;
  patch(taskId: string, tree: string | undefined): Promise<Uint8Array>;
  decide(taskId: string, review: PutReview): Promise<ReviewRecorded>;
}

export interface ReviewRepo {
  changes(taskId: string, baseTree: string, headTree: string): Promise<FileChange[]>;
  blob(taskId: string, oid: string): Promise<Uint8Array>;
  patch(taskId: string, fromTree: string, toTree: string): Promise<Uint8Array>;
  compose(
    taskId: string,
    proposal: { baseTree: string; headTree: string; accepted: AcceptedFile[] },
  ): Promise<{ acceptedTree: string }>;
}

export function createReviewService(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  log: EventLog;
  repo: ReviewRepo;
}): ReviewService {
  const { tasks, log, repo } = deps;

  async function proposalOf(taskId: string): Promise<Proposal> {
    const { proposal } = await tasks.get(taskId);
    if (proposal) return proposal;
    const { prepared } = await tasks.row(taskId);
    if (!prepared) throw nothingYet();
    // Before the first change the proposal is the base itself.
    return { revision: 0, baseTree: prepared.baseTree, headTree: prepared.baseTree, files: [] };
  }

  return {
    async changes(taskId) {
      const { revision, baseTree, headTree } = await proposalOf(taskId);
      const files = baseTree === headTree ? [] : await repo.changes(taskId, baseTree, headTree);
      return { revision, baseTree, headTree, files };
    },

    async blob(taskId, oid) {
      await tasks.row(taskId);
      return repo.blob(taskId, oid);
    },

    async patch(taskId, tree) {
      const { baseTree, headTree } = await proposalOf(taskId);
      return repo.patch(taskId, baseTree, tree ?? headTree).catch((cause: unknown) => {
        if (tree === undefined || !(cause instanceof GitError)) throw cause;
        throw new AppError('not_found', 'The task has no such tree.', {
          cause,
          nextAction: 'Use the acceptedTree of a review, or leave the tree out for the whole proposal.',
        });
      });
    },

    async decide(taskId, { revision, accepted }) {
      const proposal = await proposalOf(taskId);
      if (revision !== proposal.revision) {
        throw new AppError(
          'revision_changed',
          `The decision is about revision ${revision}; the proposal is at ${proposal.revision}.`,
          { nextAction: 'Look at the new revision and decide again.' },
        );
      }
      const { baseTree, headTree } = proposal;
      const { acceptedTree } = await repo.compose(taskId, { baseTree, headTree, accepted });
      const seq = await log.append(taskId, null, [
        {
          key: `review:${randomUUID()}`,
          event: { type: 'review.changed', revision, accepted, acceptedTree },
        },
      ]);
      return { revision, acceptedTree, seq: seq ?? 0 };
    },
  };
}

function nothingYet(): AppError {
  return new AppError('conflict', 'The repository has not been fetched yet, so there is nothing to review.', {
    nextAction: 'Wait until the task has begun to work.',
  });
}
