import { createRoute } from '@hono/zod-openapi';
import { ArmUnattended, Unattended } from '../protocol/unattended.ts';
import { body, errors, githubToken, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about pull requests that the relay opens by itself. */

const path = '/v1/tasks/{id}/unattended';

export const armUnattended = createRoute({
  ...secured,
  method: 'put',
  path,
  summary:
    'Leaves the token for this one task: with it a draft pull request is opened, once, when a turn has completed and the checks have passed.',
  description:
    'The token needs the scope repo (public_repo for a public repository), or write access to contents and pull requests. It is kept sealed, and destroyed once it was used, when its time is over, on DELETE, and when the task is archived.',
  request: { params: taskId, headers: githubToken, ...body(ArmUnattended) },
  responses: { 200: json(Unattended, 'It is kept.'), ...errors },
});

export const getUnattended = createRoute({
  ...secured,
  method: 'get',
  path,
  summary: 'What was left to be opened unattended. Never the token.',
  request: { params: taskId },
  responses: { 200: json(Unattended, 'Empty where nothing was.'), ...errors },
});

export const disarmUnattended = createRoute({
  ...secured,
  method: 'delete',
  path,
  summary: 'Destroys the token.',
  request: { params: taskId },
  responses: { 204: { description: 'There is none any more.' }, ...errors },
});
