import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { Aftermath } from '../protocol/aftermath.ts';
import { errors, json, secured, taskId } from './route-parts.ts';

/** The shape of the route about what follows a turn. */

export const getAftermath = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/turns/{turnId}/aftermath',
  summary:
    'Whether all is done that follows a turn: until then checks may run, and a turn begin that mends what they found.',
  request: { params: taskId.extend({ turnId: z.string().max(100) }) },
  responses: { 200: json(Aftermath, 'How far it is.'), ...errors },
});
