import type { Logger } from 'pino';
import { createTurnstile } from '../engine/turnstile.ts';
import { AppError, toFailure } from '../errors.ts';
import type { ErrorCode, Failure } from '../protocol/errors.ts';
import { unitsOf } from '../protocol/ledger.ts';
import type { Decided, FileChange } from '../protocol/review.ts';
import type { Publish, TaskState } from '../protocol/task.ts';
import type { PublishService } from '../publish/publish-service.ts';
import { suggestedText } from '../publish/text.ts';
import { type DecidingRepo, decisionEvent } from '../tasks/accepted-tree.ts';
import { unitsToKeep } from '../tasks/decisions.ts';
import type { EventLog } from '../tasks/event-log.ts';
import type { HoldTask } from '../tasks/task-hold.ts';
import type { TaskStates } from '../tasks/task-states.ts';
import { claimDeposit, type Deposit, type Deposits } from './deposits.ts';
import { completedTurn, type ReadConfig, verdict } from './ready.ts';
import { endDeposit } from './unattended-service.ts';

/** How long (ms) after a failure that may pass it is tried again, doubled each time up to an hour. */
const AGAIN_MS = 2000;
const LONGEST_MS = 3_600_000;
/** How long a task is left alone that could not be looked at. */
const LATER_MS = 60_000;
const AT_ONCE = 4;

/** Failures that pass by themselves, or whose cause another look at the task does away with. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'github_unavailable',
  'remote_unreachable',
  'interrupted',
  'internal',
  'not_ready',
  'disk_full',
  'tree_not_accepted',
  'revision_changed',
]);

export interface OpenerDeps {
  deposits: Deposits;
  states: TaskStates;
  hold: HoldTask;
  log: Pick<EventLog, 'find'>;
  repo: DecidingRepo;
  changes: (taskId: string, fromTree: string, toTree: string) => Promise<FileChange[]>;
  readConfig: ReadConfig;
  template: (taskId: string, baseTree: string) => Promise<string | undefined>;
  publishing: Pick<PublishService, 'publish'>;
  host: string;
  now: () => number;
  logger: Logger;
}

/**
 * Opens pull requests with tokens that were left for that, with nobody there. Everything that it goes by is in the database: a relay that
 * is killed leaves it where it was, and goes on with the same publication, which is one however often it is begun.
 * @returns what looks for them once
 */
export function createOpener(deps: OpenerDeps): () => Promise<void> {
  const { deposits, states, hold, log, now, logger } = deps;
  const inTurn = createTurnstile(AT_ONCE);
  const underWay = new Set<string>();

  /** Accepts what is not rejected and says for which publication, in one transaction. Undefined where there is nothing to be opened now. */
  async function claim(deposit: Deposit): Promise<{ claimed: Deposit; checks: string[] } | undefined> {
    const { taskId, depositId } = deposit;
    const seen = await states.current(taskId);
    const { proposal } = seen;
    const turn = completedTurn(seen);
    if (!turn || !proposal || proposal.headTree === proposal.baseTree) return undefined;
    const files = await deps.changes(taskId, proposal.baseTree, proposal.headTree);
    return hold(taskId, async ({ state, activeTurn, archived, append, client }) => {
      if (archived || activeTurn !== null || state.proposal?.revision !== proposal.revision) return undefined;
      const decided = await decisionEvent(deps.repo, state, proposal, theRest(state, files));
      const accepted = decided.event.acceptedTree;
      const { baseTree } = proposal;
      if (accepted === baseTree) return undefined;
      const found = await verdict(deps.readConfig, state, { turn, baseTree, accepted });
      if (!found.isReady) {
        logger.info({ taskId, why: found.why }, 'no pull request is opened unattended yet');
        return undefined;
      }
      const publishId = `${depositId}-${deposit.attempt}`;
      const isNews = state.review?.acceptedTree !== accepted || state.review.revision !== proposal.revision;
      if (isNews) await append([{ ...decided, key: `review:${publishId}` }]);
      await claimDeposit(client, { depositId, publishId, accepted });
      return { claimed: { ...deposit, publishId, accepted }, checks: found.checks };
    });
  }

  async function open(deposit: Deposit): Promise<void> {
    if (deposit.publishId !== null) return publish(deposit);
    const ready = await claim(deposit).catch((error: unknown) => {
      // What is not rejected cannot be had without what is: that is for the person to see to.
      if (error instanceof AppError && error.code === 'bad_request') return undefined;
      throw error;
    });
    if (ready === undefined) await deposits.passOver(deposit);
    else await publish(ready.claimed, ready.checks);
  }

  /** @param checks absent where a relay was killed that knew them */
  async function publish(deposit: Deposit, checks?: readonly string[]): Promise<void> {
    const { taskId, plan, publishId, accepted } = deposit;
    if (publishId === null || accepted === null) return;
    const outcome = (await recorded(taskId, publishId)) ?? (await attempt());
    if (outcome.stage === 'opened') return endDeposit(hold, deposit, 'used');
    await failed(deposit, outcome.error);

    async function attempt(): Promise<Pick<Publish, 'stage' | 'error'>> {
      try {
        const state = await states.current(taskId);
        const template = await deps.template(taskId, state.proposal?.baseTree ?? '');
        const suggested = suggestedText(state, template);
        const { title = suggested.title, body = suggested.body, ...options } = plan;
        const told = `${body}\n\n${opened(checks ?? passed(state))}`.trim();
        const command = { ...options, title, body: told, acceptedTree: accepted as string };
        return await deps.publishing.publish(taskId, command, undefined, {
          isUnattended: true,
          publishId: publishId as string,
        });
      } catch (error) {
        if (!(error instanceof AppError)) logger.warn({ taskId, err: error }, 'publishing unattended failed');
        return { stage: 'failed', error: toFailure(error) };
      }
    }
  }

  /** How the publication ended, where it did before the relay could take note of that. */
  async function recorded(
    taskId: string,
    publishId: string,
  ): Promise<Pick<Publish, 'stage' | 'error'> | undefined> {
    if (await log.find(taskId, `${publishId}:opened`)) return { stage: 'opened' };
    const told = await log.find(taskId, `${publishId}:failed`);
    return told?.type === 'publish.failed' ? { stage: 'failed', error: told.error } : undefined;
  }

  async function failed(deposit: Deposit, error: Failure | undefined): Promise<void> {
    if (error === undefined || PASSING.has(error.code)) {
      const pause = Math.min(AGAIN_MS * 2 ** Math.min(deposit.attempt, 20), LONGEST_MS);
      return deposits.tryAgain(deposit, now() + pause);
    }
    const words = [error.message, error.nextAction].filter((part) => part !== undefined).join(' ');
    await endDeposit(hold, deposit, 'failed', words.replace(/\.$/, ''));
  }

  async function look(deposit: Deposit): Promise<void> {
    if (underWay.has(deposit.depositId)) return;
    underWay.add(deposit.depositId);
    try {
      await inTurn(() => open(deposit));
    } catch (error) {
      logger.warn({ taskId: deposit.taskId, err: error }, 'a task could not be looked at unattended');
      await deposits.wait(deposit, now() + LATER_MS).catch(() => {});
    } finally {
      underWay.delete(deposit.depositId);
    }
  }

  return async () => {
    for (const deposit of await deposits.over()) {
      await endDeposit(hold, deposit, deposit.isArchived ? 'cancelled' : 'expired');
    }
    // Not waited for: one whose remote is slow keeps nobody else's token from being destroyed in time.
    for (const deposit of await deposits.due(deps.host)) void look(deposit);
  };
}

/** Accepts all that is not rejected. */
function theRest({ review }: TaskState, files: readonly FileChange[]): Decided[] {
  const decided = review?.files ?? [];
  const kept = unitsToKeep(decided, files);
  return files.flatMap((file) => {
    const hashes = unitsOf(file).filter((hash) => kept.get(file.path)?.has(hash));
    return hashes.length === 0 ? [] : [{ path: file.path, hashes, state: 'accepted' as const }];
  });
}

const passed = ({ turns }: TaskState): string[] =>
  (turns.at(-1)?.checks ?? []).filter(({ outcome }) => outcome === 'passed').map(({ name }) => name);

/** What whoever reads the pull request should know. */
function opened(checks: readonly string[]): string {
  const said =
    checks.length === 0
      ? 'The repository has no checks of its own for Handoff to run.'
      : `These checks of the repository passed: ${checks.join(', ')}.`;
  return `_Opened by Handoff as it was told to, before anybody had reviewed it. ${said}_`;
}
