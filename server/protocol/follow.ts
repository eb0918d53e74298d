import * as z from 'zod';
import { Oid } from './source.ts';

/** A check or status that the pull request's newest commit has at the remote. */
export const RemoteCheck = z.object({
  checkId: z.string(),
  name: z.string(),
  state: z.enum(['pending', 'passed', 'failed', 'skipped']),
  url: z.string().optional(),
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
  checks: z.array(RemoteCheck),
  /** Newest last. */
  comments: z.array(RemoteComment),
});
export type PullRequestStatus = z.infer<typeof PullRequestStatus>;
