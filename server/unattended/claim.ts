import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { unitsOf } from '../protocol/ledger.ts';
import type { Decided, FileChange } from '../protocol/review.ts';
import type { TaskState } from '../protocol/task.ts';
import { isImported } from '../publish/publish-service.ts';
import { type DecidingRepo, decisionEvent } from '../tasks/accepted-tree.ts';
import { unitsToKeep } from '../tasks/decisions.ts';
import type { HoldTask } from '../tasks/task-hold.ts';
import type { TaskStates } from '../tasks/task-states.ts';
import { claimDeposit, type Deposit } from './deposits.ts';
import { openPullRequest } from './open-already.ts';
import { completedTurn, type ReadConfig, verdict } from './ready.ts';
import { endInTask } from './unattended-service.ts';

/**
 * What came of it: a publication and the checks that its tree passed. `nothing`: what the last turn left is not to be opened. `not-now`:
 * the task is being worked on, or another relay was first, so nothing is known and it is looked at again.
 */
export type Claimed = { deposit: Deposit; checks: string[] } | 'nothing' | 'not-now';

export interface ClaimDeps {
  states: TaskStates;
  hold: HoldTask;
  repo: DecidingRepo;
  changes: (taskId: string, fromTree: string, toTree: string) => Promise<FileChange[]>;
  readConfig: ReadConfig;
  logger: Pick<Logger, 'info'>;
}

/** Accepts what is not rejected and says for which publication, in one transaction. */
export async function claim(deps: ClaimDeps, deposit: Deposit): Promise<Claimed> {
  const { taskId, depositId, attempt } = deposit;
  const { proposal } = await deps.states.current(taskId);
  if (!proposal || proposal.headTree === proposal.baseTree) return 'nothing';
  const { baseTree } = proposal;
  const files = await deps.changes(taskId, baseTree, proposal.headTree);
  return deps
    .hold(taskId, async (task): Promise<Claimed> => {
      const { state, client } = task;
      if (task.archived || task.activeTurn !== null || isPublishing(state)) return 'not-now';
      if (state.proposal?.revision !== proposal.revision) return 'not-now';
      const opened = await openPullRequest(client, state);
      if (opened) {
        await endInTask(task, depositId, 'cancelled', `Pull request #${opened.number} is open already`);
        return 'not-now';
      }
      const turn = completedTurn(state);
      if (!turn) return 'nothing';
      const decided = await decisionEvent(deps.repo, state, proposal, theRest(state, files));
      const accepted = decided.event.acceptedTree;
      if (accepted === baseTree) return 'nothing';
      const found = await verdict(deps.readConfig, state, { turn, baseTree, accepted });
      if (!found.isReady) {
        deps.logger.info({ taskId, why: found.why }, 'no pull request is opened unattended yet');
        return 'nothing';
      }
      const publishId = `${depositId}-${attempt}`;
      if (!(await claimDeposit(client, deposit, { publishId, accepted }))) return 'not-now';
      const isNews = state.review?.acceptedTree !== accepted || state.review.revision !== proposal.revision;
      if (isNews) await task.append([{ ...decided, key: `review:${publishId}` }]);
      return { deposit: { ...deposit, publishId, accepted }, checks: found.checks };
    })
    .catch((error: unknown) => {
      // What is not rejected cannot be had without what is: that is for the person to see to.
      if (error instanceof AppError && error.code === 'bad_request') return 'nothing';
      throw error;
    });
}

/** Whether a publication is on its way here: it may be about to open the pull request. */
const isPublishing = ({ publish }: TaskState): boolean =>
  publish !== undefined &&
  publish.stage !== 'opened' &&
  publish.stage !== 'failed' &&
  !isImported(publish.publishId);

/** Accepts all that is not rejected. */
function theRest({ review }: TaskState, files: readonly FileChange[]): Decided[] {
  const decided = review?.files ?? [];
  const kept = unitsToKeep(decided, files);
  return files.flatMap((file) => {
    const hashes = unitsOf(file).filter((hash) => kept.get(file.path)?.has(hash));
    return hashes.length === 0 ? [] : [{ path: file.path, hashes, state: 'accepted' as const }];
  });
}
