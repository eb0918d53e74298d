import * as z from 'zod';
import type { PullRequestStatus, RemoteCheck, RemoteComment } from '../protocol/follow.ts';
import { Oid } from '../protocol/source.ts';

/** What of GitHub's records is looked at; the same in answers of its API and in what its webhooks bring. */

/** UTF-16 units that are kept of what others wrote, and of what a check says of itself. */
const COMMENT_LENGTH = 4_000;
const SUMMARY_LENGTH = 500;
const NAME_LENGTH = 300;

const User = z.object({ login: z.string() }).nullish();
const Url = z.string().max(2048).nullish();

export const RemotePull = z.object({
  number: z.number().int(),
  html_url: z.string(),
  state: z.enum(['open', 'closed']),
  merged: z.boolean().nullish(),
  merged_at: z.string().nullish(),
  draft: z.boolean().nullish(),
  mergeable: z.boolean().nullish(),
  updated_at: z.string().nullish(),
  head: z.object({ sha: Oid }),
});
export type RemotePull = z.infer<typeof RemotePull>;

export const RemoteCheckRun = z.object({
  id: z.number().int(),
  name: z.string(),
  head_sha: Oid,
  status: z.string(),
  conclusion: z.string().nullish(),
  html_url: Url,
  output: z.object({ title: z.string().nullish(), summary: z.string().nullish() }).nullish(),
  app: z.object({ slug: z.string().nullish() }).nullish(),
  check_suite: z.object({ id: z.number().int() }).nullish(),
});
export type RemoteCheckRun = z.infer<typeof RemoteCheckRun>;

export const RemoteCommitStatus = z.object({
  context: z.string(),
  state: z.string(),
  description: z.string().nullish(),
  target_url: Url,
});
export type RemoteCommitStatus = z.infer<typeof RemoteCommitStatus>;

export const RemoteIssueComment = z.object({
  id: z.number().int(),
  user: User,
  body: z.string().nullish(),
  html_url: Url,
  created_at: z.string(),
});
export const RemoteLineComment = RemoteIssueComment.extend({
  path: z.string(),
  line: z.number().int().nullish(),
  original_line: z.number().int().nullish(),
});
export const RemoteReview = RemoteIssueComment.omit({ created_at: true }).extend({
  submitted_at: z.string().nullish(),
});

/** The pull request itself; checks and comments as they are known. */
export function pullOf(
  pull: RemotePull,
  known: Pick<PullRequestStatus, 'checks' | 'comments'>,
): PullRequestStatus {
  const isMerged = pull.merged === true || (pull.merged_at ?? null) !== null;
  const updatedAt = Date.parse(pull.updated_at ?? '');
  return {
    number: pull.number,
    url: pull.html_url,
    state: isMerged ? 'merged' : pull.state,
    isDraft: pull.draft === true,
    headCommit: pull.head.sha,
    ...(typeof pull.mergeable === 'boolean' ? { isMergeable: pull.mergeable } : {}),
    ...(Number.isNaN(updatedAt) ? {} : { updatedAt }),
    ...known,
  };
}

const RUN = /^run:(\d+):(\d+)$/;

/** Which check run a check is, of which suite: its repetition is another one of that suite. Undefined for a commit status. */
export function runOf(checkId: string): { suite: number; run: number } | undefined {
  const [, suite, run] = RUN.exec(checkId) ?? [];
  return run === undefined ? undefined : { suite: Number(suite), run: Number(run) };
}

export function checkOfRun(run: RemoteCheckRun): RemoteCheck {
  const said = [run.output?.title, run.output?.summary].filter((part) => part?.trim()).join('\n');
  return {
    checkId: `run:${run.check_suite?.id ?? 0}:${run.id}`,
    name: run.name.slice(0, NAME_LENGTH).toWellFormed(),
    state: run.status === 'completed' ? (CONCLUDED[run.conclusion ?? ''] ?? 'skipped') : 'pending',
    ...(run.html_url ? { url: run.html_url } : {}),
    ...(said === '' ? {} : { summary: cut(said, SUMMARY_LENGTH) }),
  };
}

/** Nobody mends what was called off; and what wants a person's action waits for it. */
const CONCLUDED: Record<string, RemoteCheck['state']> = {
  success: 'passed',
  failure: 'failed',
  timed_out: 'failed',
  startup_failure: 'failed',
  action_required: 'pending',
};

export function checkOfStatus({
  context,
  state,
  description,
  target_url: url,
}: RemoteCommitStatus): RemoteCheck {
  const name = context.slice(0, NAME_LENGTH).toWellFormed();
  return {
    checkId: `status:${name}`,
    name,
    state: state === 'success' ? 'passed' : state === 'pending' ? 'pending' : 'failed',
    ...(url ? { url } : {}),
    ...(description?.trim() ? { summary: cut(description, SUMMARY_LENGTH) } : {}),
  };
}

export const commentId = {
  issue: (id: number): string => `comment:${id}`,
  line: (id: number): string => `line:${id}`,
  review: (id: number): string => `review:${id}`,
};

export const commentOf = (comment: z.infer<typeof RemoteIssueComment>): RemoteComment =>
  written(commentId.issue(comment.id), comment, comment.created_at);

export function commentOfLine(comment: z.infer<typeof RemoteLineComment>): RemoteComment {
  const line = comment.line ?? comment.original_line;
  return {
    ...written(commentId.line(comment.id), comment, comment.created_at),
    path: comment.path,
    ...(line ? { line } : {}),
  };
}

/** Undefined for a review that says nothing beyond its comments on lines. */
export function commentOfReview(review: z.infer<typeof RemoteReview>): RemoteComment | undefined {
  if (!review.body?.trim() || !review.submitted_at) return undefined;
  return written(commentId.review(review.id), review, review.submitted_at);
}

function written(
  id: string,
  { user, body, html_url: url }: Omit<z.infer<typeof RemoteIssueComment>, 'id' | 'created_at'>,
  at: string,
): RemoteComment {
  return {
    commentId: id,
    // Whose account is gone, GitHub calls so.
    author: user?.login ?? 'ghost',
    text: cut(body ?? '', COMMENT_LENGTH),
    ...(url ? { url } : {}),
    at: Date.parse(at) || 0,
  };
}

/** A cut must not leave half a character. */
const cut = (text: string, length: number): string => text.slice(0, length).toWellFormed();
