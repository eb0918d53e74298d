import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import { unitStates, unitsOf } from '../protocol/ledger.ts';
import type { ChangedFile, Decided, EditProposal, FileChange, ProposalEdited } from '../protocol/review.ts';
import type { Proposal, TaskState } from '../protocol/task.ts';
import type { EditedFile } from '../repo/edit-file.ts';
import { type DecidingRepo, decisionEvent } from './accepted-tree.ts';
import { firstProposal, nothingProposed } from './first-proposal.ts';
import { nextProposal } from './next-proposal.ts';
import type { HoldTask } from './task-hold.ts';
import type { TaskService } from './task-service.ts';

/** The person's own hand in a proposal. Works with the sandbox off: the agent's workspace follows at its next turn. */
export interface ProposalEdits {
  /**
   * Makes the next revision, and brings what is accepted up to it. What the proposal has already makes none, so asking twice is harmless.
   * What the person writes is theirs: where it was rejected before, it is so no more.
   * Throws `revision_changed`, `conflict` while the agent works, `bad_request` for what is no file of text.
   */
  edit(taskId: string, edit: EditProposal): Promise<ProposalEdited>;
}

export interface EditingRepo extends DecidingRepo {
  /** See `editFile`. */
  editFile(taskId: string, edit: EditedFile): Promise<string>;
  /** What differs at a path; see `changeAt`. */
  changeAt(taskId: string, trees: Proposal, path: string): Promise<FileChange | undefined>;
  changedFiles(taskId: string, baseTree: string, headTree: string): Promise<ChangedFile[]>;
}

export function createProposalEdits(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  hold: HoldTask;
  repo: EditingRepo;
}): ProposalEdits {
  const { tasks, hold, repo } = deps;

  /**
   * What an edit decides: a file of which everything was accepted stays so, for it is the person's own work that is added; and what was
   * rejected and is there again is no more, or it would be taken out of the person's own words.
   * @param before undefined where the edit is what the proposal has already, which brings back whatever of it was rejected
   */
  async function decidedBy(
    { taskId, review }: TaskState,
    path: string,
    before: Proposal | undefined,
    after: Proposal,
  ): Promise<Decided[]> {
    const decided = review?.files.find((file) => file.path === path);
    const is = decided && (await repo.changeAt(taskId, after, path));
    if (!is) return [];
    const was = before && (await repo.changeAt(taskId, before, path));
    const states = was && unitStates([decided], was);
    if (states && [...states.values()].every((state) => state === 'accepted'))
      return [{ path, hashes: unitsOf(is), state: 'accepted' }];
    const rejected = new Set(decided.rejected);
    const back = unitsOf(is).filter((hash) => rejected.has(hash) && !states?.has(hash));
    return back.length === 0 ? [] : [{ path, hashes: back, state: 'pending' }];
  }

  return {
    async edit(taskId, { revision, path, content }) {
      // Read apart: nobody may ask for a second connection who holds a task.
      const first = (await tasks.get(taskId)).proposal ? undefined : await firstProposal(tasks, taskId);
      return hold(taskId, async ({ state, activeTurn, append }) => {
        const before = state.proposal ?? first;
        if (!before) throw nothingProposed();
        if (activeTurn !== null) throw agentWorks();
        const { baseTree } = before;
        const data = content === null ? null : Buffer.from(content, 'base64');
        const headTree = await repo.editFile(taskId, {
          baseTree,
          headTree: before.headTree,
          path,
          content: data,
        });
        const changed = await nextProposal(repo, taskId, state.proposal, { baseTree, headTree });
        const same = { revision: before.revision, headTree, seq: state.seq };
        if (revision !== before.revision) {
          if (changed) throw anotherRevision(revision, before.revision);
          return same;
        }
        const after = changed ?? before;
        const decisions = await decidedBy(state, path, changed && before, after);
        if (!changed && decisions.length === 0) return same;
        const seq = await append([
          ...(changed
            ? [{ key: `proposal:person:${randomUUID()}`, event: { ...changed, by: 'person' as const } }]
            : []),
          ...(state.review ? [await decisionEvent(repo, state, after, decisions)] : []),
        ]);
        return { revision: after.revision, headTree, seq };
      });
    },
  };
}

function agentWorks(): AppError {
  return new AppError('conflict', 'The agent is working on the files.', {
    nextAction: 'Wait until it is done, or stop it; your text stays as it is here.',
  });
}

function anotherRevision(asked: number, current: number): AppError {
  return new AppError(
    'revision_changed',
    `The edit is of revision ${asked}; the proposal is at ${current}.`,
    { nextAction: 'Load the changes again and merge your edit into them.' },
  );
}
