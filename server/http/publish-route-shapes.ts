import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { OpenPullRequest } from '../protocol/commands.ts';
import { AskPreflight, MakeCommits, Preflight } from '../protocol/publish.ts';
import { Publish } from '../protocol/task.ts';
import { body, errors, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about taking accepted work to the remote; the person's token is in a header, and nowhere else. */

const headers = z.object({ 'x-github-token': z.string().min(1).max(1024).optional() });

export const openPullRequest = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/pull-request',
  summary: 'Commits, pushes and opens a pull request as the owner of the token.',
  request: { params: taskId, headers, ...body(OpenPullRequest) },
  responses: {
    200: json(Publish, 'How far it came: opened, or failed with the reason and what to do.'),
    ...errors,
  },
});

export const preflight = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/pull-request/preflight',
  summary: 'What opening the pull request would come to, and what stands in its way. Changes nothing.',
  request: { params: taskId, headers, ...body(AskPreflight) },
  responses: { 200: json(Preflight, 'What is known, also where the remote cannot be reached.'), ...errors },
});

export const makeCommits = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/commits',
  summary: 'The commits that would be pushed, as a Git bundle that builds on the task’s base commit.',
  request: { params: taskId, ...body(MakeCommits) },
  responses: {
    200: {
      description: 'The bundle; the header x-handoff-commit names the commit that its one ref points at.',
      content: { 'application/octet-stream': { schema: z.unknown() } },
    },
    ...errors,
  },
});
