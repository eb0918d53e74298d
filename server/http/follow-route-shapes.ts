import { createRoute } from '@hono/zod-openapi';
import { MessageAccepted } from '../protocol/commands.ts';
import { FixPullRequest, FollowPullRequest, PullRequestStatus } from '../protocol/follow.ts';
import { body, errors, githubToken, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about a pull request that was opened. */

export const refreshPullRequest = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/pull-request/refresh',
  summary: 'Looks at the pull request, its checks and what was written at it, as the owner of the token.',
  request: { params: taskId, headers: githubToken },
  responses: { 200: json(PullRequestStatus, 'As it is now.'), ...errors },
});

export const fixPullRequest = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/pull-request/fix',
  summary:
    'Has the agent mend failed checks, with what matters of their logs, and see to comments: one message, one turn.',
  request: { params: taskId, headers: githubToken, ...body(FixPullRequest) },
  responses: { 202: json(MessageAccepted, 'It was recorded.'), ...errors },
});

export const followPullRequest = createRoute({
  ...secured,
  method: 'put',
  path: '/v1/tasks/{id}/pull-request/follow',
  summary: 'How many turns may be spent on checks that fail, with nobody asked.',
  request: { params: taskId, ...body(FollowPullRequest) },
  responses: { 204: { description: 'It was recorded.' }, ...errors },
});
