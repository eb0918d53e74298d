import type { Logger } from 'pino';
import { createTurnstile } from '../engine/turnstile.ts';
import { AppError, toFailure } from '../errors.ts';
import { OpenPullRequest } from '../protocol/commands.ts';
import type { ErrorCode, Failure } from '../protocol/errors.ts';
import type { Publish, TaskState } from '../protocol/task.ts';
import type { PublishService } from '../publish/publish-service.ts';
import { suggestedText } from '../publish/text.ts';
import type { EventLog } from '../tasks/event-log.ts';
import { type ClaimDeps, claim } from './claim.ts';
import type { Deposit, Deposits, DueDeposit, Over } from './deposits.ts';
import type { EndReason } from './ended-event.ts';
import { endDeposit } from './unattended-service.ts';

/** How long (ms) after a failure that may pass it is tried again, doubled each time up to an hour. */
const AGAIN_MS = 2000;
const LONGEST_MS = 3_600_000;
/** How long a task is left alone that could not be looked at. */
const LATER_MS = 60_000;
const AT_ONCE = 4;
/** How often it is tried over failures that nobody foresaw, which may stay. */
const MOST_UNKNOWN = 5;

/** Failures that pass by themselves, or whose cause another look at the task does away with. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'github_unavailable',
  'remote_unreachable',
  'interrupted',
  'not_ready',
  'disk_full',
  'tree_not_accepted',
  'revision_changed',
]);

/** What a pull request's body may have, in UTF-16 units. */
const MOST_BODY = OpenPullRequest.shape.body.unwrap().maxLength ?? 0;

export interface OpenerDeps extends ClaimDeps {
  deposits: Deposits;
  log: Pick<EventLog, 'find'>;
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

  async function open(deposit: DueDeposit): Promise<void> {
    if (deposit.publishId !== null) return publish(deposit);
    const claimed = await claim(deps, deposit);
    if (claimed === 'nothing') await deposits.passOver(deposit);
    else if (claimed !== 'not-now') await publish(claimed.deposit, claimed.checks);
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
        const told = withNotice(body, opened(checks ?? passed(state)));
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
    const isPassing = error === undefined || PASSING.has(error.code);
    const isUnknown = error?.code === 'internal' && deposit.attempt + 1 < MOST_UNKNOWN;
    if (isPassing || isUnknown) {
      const pause = Math.min(AGAIN_MS * 2 ** Math.min(deposit.attempt, 20), LONGEST_MS);
      return deposits.tryAgain(deposit, now() + pause);
    }
    const words = [error.message, error.nextAction].filter((part) => part !== undefined).join(' ');
    await endDeposit(hold, deposit, 'failed', words.replace(/\.$/, ''));
  }

  async function look(deposit: DueDeposit): Promise<void> {
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
      const { taskId, why } = deposit;
      const [reason, detail] = ENDS[why];
      // One that fails keeps no other from being destroyed in time.
      await endDeposit(hold, deposit, reason, detail).catch((error: unknown) =>
        logger.warn({ taskId, err: error }, 'a token that was left could not be destroyed yet'),
      );
    }
    // Not waited for: one whose remote is slow keeps nobody else's token from being destroyed in time.
    for (const deposit of await deposits.due(deps.host)) void look(deposit);
  };
}

const ENDS: Record<Over, [EndReason, string?]> = {
  archived: ['cancelled'],
  expired: ['expired'],
  opened: ['cancelled', 'The pull request was opened by hand'],
};

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

/** A body has a limit, and whoever reads it is to have the notice. */
function withNotice(body: string, notice: string): string {
  const tail = `\n\n${notice}`;
  return `${body.slice(0, MOST_BODY - tail.length).toWellFormed()}${tail}`.trim();
}
