import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { PullRequestStatus } from '../protocol/follow.ts';
import { Oid } from '../protocol/source.ts';
import {
  checkOfRun,
  checkOfStatus,
  commentId,
  commentOf,
  commentOfLine,
  commentOfReview,
  pullOf,
  RemoteCheckRun,
  RemoteCommitStatus,
  RemoteIssueComment,
  RemoteLineComment,
  RemotePull,
  RemoteReview,
} from './remote-shapes.ts';
import { withCheck, withComment, withPull } from './status-changes.ts';

/** What GitHub tells of a repository, as far as a pull request's status is changed by it. */
export interface Hook {
  /** The repository's page. */
  repositoryUrl: string;
  /** The pull request's page, where it is about one; otherwise it is about a commit. */
  pullUrl?: string;
  commit?: string;
  /** Undefined: it says nothing of it. `status` is of the pull request of that address, or of that commit. */
  change(status: PullRequestStatus): PullRequestStatus | undefined;
}

/** Whether it is GitHub, who knows the secret, that said exactly these bytes. Takes the same time whatever is wrong. */
export function isSigned(secret: string, body: Uint8Array, signature: string | undefined): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(signature ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const Repository = z.object({ repository: z.object({ html_url: z.string() }) });
const PullPage = z.object({ html_url: z.string() });
const Action = z.object({ action: z.string().optional() });

type Of<Schema extends z.ZodType> = z.infer<Schema> & z.infer<typeof Action>;

/** What one kind of message is read by, and what it means. */
function kind<Schema extends z.ZodType>(
  schema: Schema,
  read: (told: Of<Schema>) => Omit<Hook, 'repositoryUrl'>,
) {
  const Whole = z.intersection(schema, z.intersection(Repository, Action));
  return (payload: unknown): Hook | undefined => {
    const parsed = Whole.safeParse(payload);
    if (!parsed.success) return undefined;
    const told = parsed.data as Of<Schema> & z.infer<typeof Repository>;
    return { repositoryUrl: told.repository.html_url, ...read(told) };
  };
}

const isGone = ({ action }: z.infer<typeof Action>): boolean => action === 'deleted';

const KINDS = {
  pull_request: kind(z.object({ pull_request: RemotePull }), ({ pull_request: pull }) => ({
    pullUrl: pull.html_url,
    change: (status) => withPull(status, pullOf(pull, { checks: [], comments: [] })),
  })),
  check_run: kind(z.object({ check_run: RemoteCheckRun }), ({ check_run: run }) => ({
    commit: run.head_sha,
    change: (status) => withCheck(status, checkOfRun(run)),
  })),
  // Its runs have been told one by one; by now nothing of it is pending.
  check_suite: kind(z.object({ check_suite: z.object({ head_sha: Oid }) }), ({ check_suite: suite }) => ({
    commit: suite.head_sha,
    change: (status) => status,
  })),
  status: kind(RemoteCommitStatus.extend({ sha: Oid }), (told) => ({
    commit: told.sha,
    change: (status) => withCheck(status, checkOfStatus(told)),
  })),
  pull_request_review: kind(z.object({ review: RemoteReview, pull_request: PullPage }), (told) => ({
    pullUrl: told.pull_request.html_url,
    change: (status) => withComment(status, commentId.review(told.review.id), commentOfReview(told.review)),
  })),
  pull_request_review_comment: kind(
    z.object({ comment: RemoteLineComment, pull_request: PullPage }),
    (told) => ({
      pullUrl: told.pull_request.html_url,
      change: (status) =>
        withComment(
          status,
          commentId.line(told.comment.id),
          isGone(told) ? undefined : commentOfLine(told.comment),
        ),
    }),
  ),
  issue_comment: kind(z.object({ comment: RemoteIssueComment, issue: PullPage }), (told) => ({
    pullUrl: told.issue.html_url,
    change: (status) =>
      withComment(
        status,
        commentId.issue(told.comment.id),
        isGone(told) ? undefined : commentOf(told.comment),
      ),
  })),
};

type Kind = keyof typeof KINDS;

/** What tells the kinds apart, the more special before what they have as well. */
const MARKS: readonly [Kind, readonly string[]][] = [
  ['check_run', ['check_run']],
  ['check_suite', ['check_suite']],
  ['pull_request_review', ['review']],
  ['pull_request_review_comment', ['comment', 'pull_request']],
  ['issue_comment', ['comment', 'issue']],
  ['status', ['context', 'sha']],
  ['pull_request', ['pull_request']],
];

/**
 * What a message says. Undefined for kinds that are not listened to, and for what is none.
 * @param event the kind that it was sent as: no signature covers that, so the payload has to be of that kind by itself
 */
export function readHook(event: string | undefined, payload: unknown): Hook | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const [kind] = MARKS.find(([, keys]) => keys.every((key) => Object.hasOwn(payload, key))) ?? [];
  return kind !== undefined && kind === event ? KINDS[kind](payload) : undefined;
}
