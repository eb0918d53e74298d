import { randomUUID } from 'node:crypto';
import { AppError } from '../errors.ts';
import { unitStates, unitsOf } from '../protocol/ledger.ts';
import type { ChangedFile, Decided, EditProposal, FileChange, ProposalEdited } from '../protocol/review.ts';
import type { Proposal, TaskState } from '../protocol/task.ts';
import type { EditedFile } from '../repo/edit-file.ts';
import type { ReadChanges } from '../repo/reading.ts';
import { whysOf } from '../review/reasons.ts';
import { type DecidingRepo, decisionEvent } from './accepted-tree.ts';
import { firstProposal, nothingProposed } from './first-proposal.ts';
import { nextProposal } from './next-proposal.ts';
import type { HoldTask } from './task-hold.ts';
import type { TaskService } from './task-service.ts';

/** The person's own hand in a proposal. Works with the sandbox off: the agent's workspace follows at its next turn. */
export interface ProposalEdits {
  /**
   * Makes the next revision, and brings what is accepted up to it. What the proposal has already makes none, so asking twice is harmless.
   * Throws `revision_changed`, `conflict` while the agent works, `bad_request` for what is no file of text.
   */
  edit(taskId: string, edit: EditProposal): Promise<ProposalEdited>;
}

export interface EditingRepo extends DecidingRepo {
  /** See `editFile`. */
  editFile(taskId: string, edit: EditedFile): Promise<string>;
  changes: ReadChanges;
  changedFiles(taskId: string, baseTree: string, headTree: string): Promise<ChangedFile[]>;
}

export function createProposalEdits(deps: {
  tasks: Pick<TaskService, 'get' | 'row'>;
  hold: HoldTask;
  repo: EditingRepo;
}): ProposalEdits {
  const { tasks, hold, repo } = deps;

  /** A file of which everything was accepted stays so: it is the person's own work that is added. */
  async function accepting(
    { taskId, turns, review }: TaskState,
    path: string,
    before: Proposal,
    after: Proposal,
  ): Promise<Decided[]> {
    if (!review?.files.some((file) => file.path === path)) return [];
    const changeIn = async ({ baseTree, headTree }: Proposal): Promise<FileChange | undefined> =>
      (await repo.changes(taskId, baseTree, headTree, whysOf(turns))).find((change) => change.path === path);
    const [was, is] = [await changeIn(before), await changeIn(after)];
    if (!was || !is) return [];
    const states = [...unitStates(review.files, was).values()];
    if (!states.every((state) => state === 'accepted')) return [];
    return [{ path, hashes: unitsOf(is), state: 'accepted' }];
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
        if (!changed) return { revision: before.revision, headTree, seq: state.seq };
        if (revision !== before.revision) throw anotherRevision(revision, before.revision);
        const decisions = await accepting(state, path, before, changed);
        const seq = await append([
          { key: `proposal:person:${randomUUID()}`, event: { ...changed, by: 'person' } },
          ...(state.review ? [await decisionEvent(repo, state, changed, decisions)] : []),
        ]);
        return { revision: changed.revision, headTree, seq };
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
