import { randomUUID } from 'node:crypto';
import type { TurnRepo } from '../agent/turn-context.ts';
import { AppError } from '../errors.ts';
import { type BroughtIn, type KeptWork, keptWork } from '../protocol/kept-work.ts';
import { isUnresolved } from '../protocol/merge.ts';
import { GitError } from '../repo/git.ts';
import type { MergedTrees } from '../repo/merge-trees.ts';
import { type DecidingRepo, decisionEvent } from './accepted-tree.ts';
import { firstProposal, nothingProposed } from './first-proposal.ts';
import { nextProposal } from './next-proposal.ts';
import type { HoldTask } from './task-hold.ts';
import type { TaskService } from './task-service.ts';

/** The way of work that could not be brought into the workspace: into the review, as the person's own word. */
export interface KeptWorkService {
  /**
   * Merges it into the proposal, whose next revision that makes; the workspace follows at the next turn. Asking twice is harmless: what
   * the proposal has makes no revision, and where conflict markers of it stand nothing is merged over them.
   * Throws `not_found` where nothing of that agent is kept, `conflict` while the agent works.
   */
  bringIn(taskId: string, agentId: string): Promise<BroughtIn>;
}

export interface KeptWorkRepo extends DecidingRepo, Pick<TurnRepo, 'merge' | 'changedFiles'> {
  textsAt(
    taskId: string,
    tree: string,
    paths: readonly string[],
  ): Promise<ReadonlyMap<string, string | undefined>>;
}

const LABELS = { ours: 'the proposal', theirs: 'the work that was kept' };

export function createKeptWorkService(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  hold: HoldTask;
  repo: KeptWorkRepo;
}): KeptWorkService {
  const { tasks, hold, repo } = deps;

  async function mergedWith(taskId: string, ours: string, work: KeptWork): Promise<MergedTrees> {
    const { treeBefore: base, treeAfter: theirs } = work;
    try {
      const merged = await repo.merge({ taskId, base, ours, theirs, labels: LABELS });
      const texts = await repo.textsAt(taskId, ours, merged.conflicts);
      const standing = merged.conflicts.filter((path) => isUnresolved(texts.get(path) ?? '', LABELS));
      return standing.length === 0 ? merged : { tree: ours, conflicts: standing };
    } catch (error) {
      throw error instanceof GitError && error.exitCode !== null ? noLonger(error) : error;
    }
  }

  return {
    async bringIn(taskId, agentId) {
      // Read apart: nobody may ask for a second connection who holds a task.
      const first = (await tasks.get(taskId)).proposal ? undefined : await firstProposal(tasks, taskId);
      return hold(taskId, async ({ state, activeTurn, append }) => {
        const work = keptWork(state).find((one) => one.agentId === agentId);
        if (!work) throw nothingKept();
        const before = state.proposal ?? first;
        if (!before) throw nothingProposed();
        if (activeTurn !== null) throw agentWorks();
        const { baseTree } = before;
        const { tree: headTree, conflicts } = await mergedWith(taskId, before.headTree, work);
        const after = await nextProposal(repo, taskId, state.proposal, { baseTree, headTree });
        const { revision } = after ?? before;
        if (!after) return { changed: false, revision, headTree, conflicts, seq: state.seq };
        const seq = await append([
          { key: `proposal:kept:${randomUUID()}`, event: { ...after, by: 'person' } },
          ...(state.review ? [await decisionEvent(repo, state, after, [])] : []),
        ]);
        return { changed: true, revision, headTree, conflicts, seq };
      });
    },
  };
}

function nothingKept(): AppError {
  return new AppError('not_found', 'Nothing is kept of that agent’s work.', {
    nextAction: 'Look at what is kept with: npm start -- tasks kept ID',
  });
}

function agentWorks(): AppError {
  return new AppError('conflict', 'The agent is working on the files.', {
    nextAction: 'Wait until it is done, or stop it; what is kept stays.',
  });
}

/** In a task that came as a file, which need not have what its record speaks of. */
function noLonger(cause: GitError): AppError {
  return new AppError('not_found', 'What was kept of that agent’s work is not in the task’s repository.', {
    cause,
    nextAction: 'Ask the agent to do it again.',
  });
}
