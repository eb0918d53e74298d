import type { PullRequestStatus, RemoteCheck, RemoteComment } from '../protocol/follow.ts';
import { runOf } from './remote-shapes.ts';

/** The most that are kept of a pull request, for each change is told with all of it: of comments the newest. */
export const MOST_CHECKS = 100;
export const MOST_COMMENTS = 100;

/** A status with nothing in it twice, in an order that does not depend on the way in which it was learned. */
export function inOrder(status: PullRequestStatus): PullRequestStatus {
  const checks = new Map(status.checks.map((check) => [check.checkId, check]));
  const comments = new Map(status.comments.map((comment) => [comment.commentId, comment]));
  return {
    ...status,
    checks: [...checks.values()]
      .sort((a, b) => compare(a.name, b.name) || compare(a.checkId, b.checkId))
      .slice(0, MOST_CHECKS),
    comments: [...comments.values()]
      .sort((a, b) => a.at - b.at || compare(a.commentId, b.commentId))
      .slice(-MOST_COMMENTS),
  };
}

/**
 * With the news of one check of the newest commit. Messages come in any order: a run that has ended does not begin again, and of a run and
 * its repetition the later one counts. Of a commit status it is the last word.
 */
export function withCheck(status: PullRequestStatus, check: RemoteCheck): PullRequestStatus {
  const mine = runOf(check.checkId);
  const isSame = (other: RemoteCheck): boolean =>
    mine === undefined
      ? other.checkId === check.checkId
      : other.name === check.name && runOf(other.checkId)?.suite === mine.suite;
  const known = status.checks.filter(isSame);
  const isLate = known.some((other) => {
    const run = runOf(other.checkId)?.run;
    if (mine === undefined || run === undefined) return false;
    return run > mine.run || (run === mine.run && other.state !== 'pending' && check.state === 'pending');
  });
  if (isLate) return status;
  return { ...status, checks: [...status.checks.filter((other) => !isSame(other)), check] };
}

/** With what somebody wrote, or without it where they took it back. */
export function withComment(
  status: PullRequestStatus,
  commentId: string,
  comment: RemoteComment | undefined,
): PullRequestStatus {
  const others = status.comments.filter((known) => known.commentId !== commentId);
  return { ...status, comments: comment === undefined ? others : [...others, comment] };
}

/**
 * With the pull request itself as it is told; what is known of another commit's checks is of no use for this one. News that comes late
 * changes nothing: it is older than what is known, or would undo a merge, which nobody can.
 */
export function withPull(
  before: PullRequestStatus,
  told: Omit<PullRequestStatus, 'checks' | 'comments'>,
): PullRequestStatus {
  const isLate =
    (told.updatedAt ?? Infinity) < (before.updatedAt ?? 0) ||
    (before.state === 'merged' && told.state !== 'merged');
  if (isLate) return before;
  const { comments } = before;
  return { ...told, checks: before.headCommit === told.headCommit ? before.checks : [], comments };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
