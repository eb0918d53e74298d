import { AppError } from '../errors.ts';
import type { Api } from '../github/api.ts';
import type { GitHubRepository } from '../github/remote-url.ts';
import type { MessageAccepted } from '../protocol/commands.ts';
import type { RemoteCheck, RemoteComment } from '../protocol/follow.ts';
import type { TaskState } from '../protocol/task.ts';
import { acceptMessage } from '../tasks/accept-message.ts';
import type { HeldTask, HoldTask } from '../tasks/task-hold.ts';
import type { TaskService } from '../tasks/task-service.ts';
import { readCheckLog } from './check-logs.ts';
import { excerptOf } from './excerpt.ts';
import { type FailedCheck, fixMessage } from './fix-message.ts';
import type { Publications } from './publications.ts';
import { runOf } from './remote-shapes.ts';

/** What the agent is to see to. */
export interface Wish {
  clientId: string;
  checkIds: readonly string[];
  commentIds: readonly string[];
}

/** How logs are had. Without a token there are none, and what the checks say of themselves has to do. */
interface Source {
  api: Api | undefined;
  place: GitHubRepository;
}

/** Turns that mend what was found wrong with a pull request. */
export interface Fixes {
  /** Throws `not_found` for a check or comment that is not there, `bad_request` for a check that has not failed. */
  asked(taskId: string, wish: Wish, source: Source): Promise<MessageAccepted>;
  /**
   * Begins one by itself where the person allowed that: once for a commit, which must be the last that this relay pushed, when none of its
   * checks is pending and some failed. Not while the agent works, or has worked since: what failed may be mended already.
   */
  alone(taskId: string, source: Source): Promise<void>;
}

export interface FixesDeps {
  tasks: Pick<TaskService, 'get'>;
  hold: HoldTask;
  publications: Publications;
  /** Says that there is a turn to claim. */
  wake: () => void;
  /** Strikes out the task's secrets. */
  hide: (taskId: string, text: string) => string;
  now: () => number;
}

/** UTF-16 units of all logs together in one message, and of each; of comments together as much again. */
const MOST_TOGETHER = 60_000;
const MOST_EACH = 12_000;

const keyOf = (messageId: string): string => `fix:${messageId}`;

export function createFixes(deps: FixesDeps): Fixes {
  const { tasks, hold, publications, now } = deps;

  /** One after another: a person's requests to GitHub at once are limited. */
  async function withLogs(taskId: string, checks: readonly RemoteCheck[], { api, place }: Source) {
    const most = Math.min(MOST_EACH, Math.floor(MOST_TOGETHER / Math.max(1, checks.length)));
    const hide = (text: string): string =>
      deps.hide(taskId, api === undefined ? text : text.replaceAll(api.token, '[struck out]'));
    const failed: FailedCheck[] = [];
    for (const check of checks) {
      const run = runOf(check.checkId)?.run;
      const log = api === undefined || run === undefined ? '' : await readCheckLog(api, place, run);
      failed.push({ check, log: excerptOf(log.trim() || (check.summary ?? ''), most, hide) });
    }
    return failed;
  }

  /** The message and what it is for, in one transaction. */
  async function begin(
    { append, tx }: HeldTask,
    { messageId, text }: { messageId: string; text: string },
    { checks, isAutomatic }: { checks: readonly RemoteCheck[]; isAutomatic: boolean },
  ): Promise<MessageAccepted> {
    const names = checks.map(({ name }) => name);
    await append([
      { key: keyOf(messageId), event: { type: 'fix.requested', messageId, checks: names, isAutomatic } },
    ]);
    return acceptMessage(tx, { messageId, text, selection: [] }, now());
  }

  return {
    async asked(taskId, { clientId: messageId, checkIds, commentIds }, source) {
      // The same again: what it was about may have gone since.
      const known = await hold(taskId, async ({ written, tx }) => {
        if ((await written([keyOf(messageId)])).size === 0) return undefined;
        const before = await tx.findMessage(messageId);
        return before && acceptMessage(tx, { messageId, text: before.text, selection: [] }, now());
      });
      if (known) {
        deps.wake();
        return known;
      }
      const { pullRequest } = await tasks.get(taskId);
      if (!pullRequest) throw notLookedAt();
      const checks = [...new Set(checkIds)].map((id) => failedCheck(pullRequest.checks, id));
      const most = Math.floor(MOST_TOGETHER / Math.max(1, commentIds.length));
      const comments = [...new Set(commentIds)].map((id) => {
        const comment = commentOfId(pullRequest.comments, id);
        return { ...comment, text: comment.text.slice(0, most).toWellFormed() };
      });
      const failed = await withLogs(taskId, checks, source);
      const text = fixMessage({ url: pullRequest.url, failed, comments });
      const accepted = await hold(taskId, (task) =>
        begin(task, { messageId, text }, { checks, isAutomatic: false }),
      );
      deps.wake();
      return accepted;
    },

    async alone(taskId, source) {
      const pushed = await publications.pushedOf(taskId);
      const seen = mendable(await tasks.get(taskId), pushed);
      if (!seen) return;
      const { pullRequest, failed: checks } = seen;
      const messageId = `fix:${pullRequest.headCommit}`;
      const failed = await withLogs(taskId, checks, source);
      const text = fixMessage({ url: pullRequest.url, failed, comments: [] });
      const isBegun = await hold(taskId, async (task) => {
        const isStill = mendable(task.state, pushed)?.pullRequest.headCommit === pullRequest.headCommit;
        if (!isStill || task.archived || task.activeTurn !== null) return false;
        if ((await task.written([keyOf(messageId)])).size > 0) return false;
        await begin(task, { messageId, text }, { checks, isAutomatic: true });
        return true;
      });
      if (isBegun) deps.wake();
    },
  };
}

/** The failed checks that a turn may be begun for with nobody asked. */
function mendable(
  { follow, pullRequest, turns, status }: TaskState,
  pushed: { commit: string; at: number } | undefined,
) {
  if (!follow || follow.fixes >= follow.autoFix || status === 'archived') return undefined;
  if (pullRequest?.state !== 'open' || pushed?.commit !== pullRequest.headCommit) return undefined;
  const last = turns.at(-1);
  if (last?.endedAt === undefined || last.startedAt > pushed.at) return undefined;
  const { checks } = pullRequest;
  const failed = checks.filter(({ state }) => state === 'failed');
  const isOver = checks.every(({ state }) => state !== 'pending');
  return failed.length > 0 && isOver ? { pullRequest, failed } : undefined;
}

function failedCheck(checks: readonly RemoteCheck[], id: string): RemoteCheck {
  const check = checks.find(({ checkId }) => checkId === id);
  if (!check) throw notThere(`check ${JSON.stringify(id)}`);
  if (check.state === 'failed') return check;
  throw new AppError('bad_request', `The check ${JSON.stringify(check.name)} has not failed.`, {
    nextAction: 'Choose checks that failed.',
  });
}

function commentOfId(comments: readonly RemoteComment[], id: string): RemoteComment {
  const comment = comments.find(({ commentId }) => commentId === id);
  if (comment) return comment;
  throw notThere(`comment ${JSON.stringify(id)}`);
}

const notThere = (what: string): AppError =>
  new AppError('not_found', `The pull request has no ${what}.`, {
    nextAction: 'Look at it again, then choose.',
  });

const notLookedAt = (): AppError =>
  new AppError('conflict', 'Nobody has looked at the pull request yet.', { nextAction: 'Refresh it first.' });
