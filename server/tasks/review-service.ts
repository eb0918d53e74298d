import { AppError } from '../errors.ts';
import type {
  Changes,
  Decided,
  Decision,
  FileDecisions,
  PatchReview,
  PutReview,
  ReviewRecorded,
} from '../protocol/review.ts';
import type { Proposal, TaskState } from '../protocol/task.ts';
import { GitError } from '../repo/git.ts';
import type { ReadChanges } from '../repo/reading.ts';
import { whysOf } from '../review/reasons.ts';
import { type DecidingRepo, decisionEvent } from './accepted-tree.ts';
import { decidedBy } from './decisions.ts';
import { firstProposal, nothingProposed } from './first-proposal.ts';
import type { HoldTask } from './task-hold.ts';
import type { TaskService } from './task-service.ts';

/** Reading a proposal and deciding on it. Works with the sandbox off: everything is in the relay's own repository. */
export interface ReviewService {
  /** What differs between the base and `tree`; the proposal where that is absent. */
  changes(taskId: string, tree?: string): Promise<Changes>;
  blob(taskId: string, oid: string): Promise<Uint8Array>;
  /** As many of them as one answer carries. */
  blobs(taskId: string, oids: string[]): Promise<Map<string, Uint8Array>>;
  patch(taskId: string, tree: string | undefined): Promise<Uint8Array>;
  /** The complete decision, replacing the one before. */
  replace(taskId: string, review: PutReview): Promise<ReviewRecorded>;
  /**
   * These decisions, and the others as they are. None at all brings what was accepted up to the newest revision: what has not
   * changed stays accepted.
   */
  decide(taskId: string, review: PatchReview): Promise<ReviewRecorded>;
}

export interface ReviewRepo extends DecidingRepo {
  /** As a person reads them: see `createReading`. */
  changes: ReadChanges;
  blob(taskId: string, oid: string): Promise<Uint8Array>;
  blobs(taskId: string, oids: string[]): Promise<Map<string, Uint8Array>>;
  patch(taskId: string, fromTree: string, toTree: string): Promise<Uint8Array>;
}

export function createReviewService(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  hold: HoldTask;
  repo: ReviewRepo;
}): ReviewService {
  const { tasks, hold, repo } = deps;

  const proposalOf = async (taskId: string): Promise<Proposal> =>
    (await tasks.get(taskId)).proposal ?? firstProposal(tasks, taskId);

  /** Composes what is then accepted and records it, with nobody deciding in between. */
  async function record(
    taskId: string,
    decisionsFor: (state: TaskState, proposal: Proposal) => Promise<Decided[]>,
  ): Promise<ReviewRecorded> {
    // Read apart: nobody may ask for a second connection who holds a task.
    const start = (await tasks.get(taskId)).proposal ? undefined : await firstProposal(tasks, taskId);
    return hold(taskId, async ({ state, append }) => {
      const proposal = state.proposal ?? start;
      if (!proposal) throw nothingProposed();
      const decided = await decisionEvent(repo, state, proposal, await decisionsFor(state, proposal));
      const seq = await append([decided]);
      const { revision, acceptedTree } = decided.event;
      return { revision, acceptedTree, seq };
    });
  }

  /** Decisions with every unit named; throws `revision_changed` where one is not there. */
  async function named(
    { taskId, turns }: TaskState,
    { baseTree, headTree }: Proposal,
    decisions: Decision[],
  ): Promise<Decided[]> {
    if (decisions.length === 0) return [];
    return decidedBy(decisions, await repo.changes(taskId, baseTree, headTree, whysOf(turns)));
  }

  return {
    async changes(taskId, tree) {
      const { proposal, turns } = await tasks.get(taskId);
      const { revision, baseTree, headTree: newest } = proposal ?? (await firstProposal(tasks, taskId));
      const headTree = tree ?? newest;
      const whys = whysOf(turns);
      const files = await repo.changes(taskId, baseTree, headTree, whys).catch((cause: unknown) => {
        throw tree !== undefined && cause instanceof GitError ? noSuchTree(cause) : cause;
      });
      return { revision, baseTree, headTree, files };
    },

    async blob(taskId, oid) {
      await tasks.row(taskId);
      return repo.blob(taskId, oid);
    },

    async blobs(taskId, oids) {
      await tasks.row(taskId);
      return repo.blobs(taskId, oids);
    },

    async patch(taskId, tree) {
      const { baseTree, headTree } = await proposalOf(taskId);
      return repo.patch(taskId, baseTree, tree ?? headTree).catch((cause: unknown) => {
        throw tree !== undefined && cause instanceof GitError ? noSuchTree(cause) : cause;
      });
    },

    replace: (taskId, { revision, accepted }) =>
      record(taskId, async (state, proposal) => {
        if (revision !== proposal.revision) throw anotherRevision(revision, proposal.revision);
        const decisions = accepted.map(({ path, hunks }) => ({
          path,
          hashes: hunks,
          state: 'accepted' as const,
        }));
        return [...withdrawn(state.review?.files ?? []), ...(await named(state, proposal, decisions))];
      }),

    decide: (taskId, { revision, decisions }) =>
      record(taskId, async (state, proposal) => {
        if (revision !== undefined && revision !== proposal.revision)
          throw anotherRevision(revision, proposal.revision);
        return named(state, proposal, decisions);
      }),
  };
}

/** Takes back everything that was decided. */
const withdrawn = (files: FileDecisions[]): Decided[] =>
  files.map(({ path, accepted, rejected }) => ({
    path,
    hashes: [...accepted, ...rejected],
    state: 'pending',
  }));

const noSuchTree = (cause: unknown): AppError =>
  new AppError('not_found', 'The task has no such tree.', {
    cause,
    nextAction: 'Use the acceptedTree of a review, or leave the tree out for the whole proposal.',
  });

function anotherRevision(asked: number, current: number): AppError {
  return new AppError(
    'revision_changed',
    `The decision is about revision ${asked}; the proposal is at ${current}.`,
    {
      nextAction: 'Look at the new revision and decide again.',
    },
  );
}
