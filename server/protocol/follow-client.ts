import type { Asking } from './asking.ts';
import { MessageAccepted } from './commands.ts';
import { type FixPullRequest, type FollowPullRequest, PullRequestStatus } from './follow.ts';

/** A look at GitHub is several requests to it. */
const LOOK_MS = 120_000;

/** The calls of the relay's client that are about a pull request that was opened. */
export function followCalls({ task, request, read }: Asking) {
  return {
    /**
     * Looks at the pull request, its checks and what was written at it. The answer is `state.pullRequest` from then on.
     * @param githubToken the person's own; it goes into a header and nowhere else.
     */
    refreshPullRequest: (id: string, githubToken: string) =>
      read(PullRequestStatus, task(id, '/pull-request/refresh'), {
        method: 'POST',
        headers: { 'x-github-token': githubToken },
        timeoutMs: LOOK_MS,
      }),
    /** Hands failed checks, with what matters of their logs, and comments to the agent as one message. */
    fixPullRequest: (id: string, body: FixPullRequest, githubToken: string) =>
      read(MessageAccepted, task(id, '/pull-request/fix'), {
        method: 'POST',
        json: body,
        headers: { 'x-github-token': githubToken },
        timeoutMs: LOOK_MS,
      }),
    /** How many turns may be spent on checks that fail, with nobody asked. */
    followPullRequest: async (id: string, body: FollowPullRequest): Promise<void> => {
      await request(task(id, '/pull-request/follow'), { method: 'PUT', json: body });
    },
  };
}
