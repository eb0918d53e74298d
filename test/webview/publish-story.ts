import type { NewEvent } from '../../server/protocol/events.ts';
import type { PullRequestStatus } from '../../server/protocol/follow.ts';
import { finished } from './story.ts';

const tree = 'c'.repeat(40);
const url = 'https://github.com/acme/webshop/pull/12';

/** A task whose pull request was opened. */
export const opened: NewEvent[] = [
  ...finished,
  {
    type: 'review.decided',
    revision: 1,
    decisions: [{ path: 'src/cart.ts', hashes: ['h1'], state: 'accepted' }],
    acceptedTree: tree,
  },
  { type: 'publish.started', publishId: 'p1', branch: 'handoff/cart', acceptedTree: tree },
  { type: 'publish.opened', publishId: 'p1', pullRequest: { url, number: 12, reused: false } },
];

const status: PullRequestStatus = {
  ...{ number: 12, url, state: 'open', isDraft: true, headCommit: tree },
  checks: [
    { checkId: 'c1', name: 'unit tests', state: 'failed', url: 'https://github.com/acme/webshop/runs/1' },
    { checkId: 'c2', name: 'lint', state: 'passed' },
    { checkId: 'c3', name: 'build', state: 'pending' },
  ],
  comments: [{ commentId: 'n1', author: 'kim', text: 'Why cents?', path: 'src/cart.ts', line: 4, at: 1 }],
};
/** What is heard of it then: a check that failed, and a comment. */
export const heard = (change: Partial<PullRequestStatus> = {}): NewEvent => ({
  type: 'pull_request.changed',
  status: { ...status, ...change },
});
