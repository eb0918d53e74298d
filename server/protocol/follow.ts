import * as z from 'zod';
import { ClientId } from './commands.ts';
import { Oid } from './source.ts';

/** A check or status that the pull request's newest commit has at the remote. */
export const RemoteCheck = z.object({
  checkId: z.string(),
  name: z.string(),
  state: z.enum(['pending', 'passed', 'failed', 'skipped']),
  url: z.string().optional(),
  /** What the check says of how it went, in its own words. */
  summary: z.string().optional(),
});
export type RemoteCheck = z.infer<typeof RemoteCheck>;

/** What somebody wrote at the pull request. */
export const RemoteComment = z.object({
  commentId: z.string(),
  author: z.string(),
  text: z.string(),
  path: z.string().optional(),
  line: z.number().int().optional(),
  url: z.string().optional(),
  /** Milliseconds since 1970. */
  at: z.number(),
});
export type RemoteComment = z.infer<typeof RemoteComment>;

/** A pull request as it was when it was last looked at. */
export const PullRequestStatus = z.object({
  number: z.number().int(),
  url: z.string(),
  state: z.enum(['open', 'merged', 'closed']),
  isDraft: z.boolean(),
  headCommit: Oid,
  /** Whether its base can take it; absent where the remote does not know yet. */
  isMergeable: z.boolean().optional(),
  /** When the remote changed it last (ms since 1970), so that older news of it is known for what it is. */
  updatedAt: z.number().optional(),
  checks: z.array(RemoteCheck),
  /** Newest last. */
  comments: z.array(RemoteComment),
});
export type PullRequestStatus = z.infer<typeof PullRequestStatus>;

/** The most turns that may be spent, with nobody asked, on checks that fail. */
export const MOST_FIXES = 5;

/** `PUT /v1/tasks/{id}/pull-request/follow` */
export const FollowPullRequest = z.object({ autoFix: z.number().int().min(0).max(MOST_FIXES) });
export type FollowPullRequest = z.infer<typeof FollowPullRequest>;

/** `POST /v1/tasks/{id}/pull-request/fix`: have the agent mend failed checks, answer to comments, or both, in one turn. */
export const FixPullRequest = z
  .object({
    clientId: ClientId,
    /** Of checks that failed. */
    checkIds: z.array(z.string().max(400)).max(20).default([]),
    commentIds: z.array(z.string().max(400)).max(100).default([]),
  })
  .refine(({ checkIds, commentIds }) => checkIds.length + commentIds.length > 0, {
    message: 'must name a check or a comment',
  });
export type FixPullRequest = z.input<typeof FixPullRequest>;
