import { createRoute } from '@hono/zod-openapi';
import { RollBack, RolledBack } from '../protocol/rollback.ts';
import { body, errors, json, secured, taskId } from './route-parts.ts';

/** The shape of the route about going back. */

export const rollBack = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/rollback',
  summary: 'Files and conversation as they were when a turn began.',
  request: { params: taskId, ...body(RollBack) },
  responses: { 200: json(RolledBack, 'It is so, but for the files that are named.'), ...errors },
});
