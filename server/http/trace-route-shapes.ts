import { createRoute } from '@hono/zod-openapi';
import { TaskTrace } from '../protocol/trace.ts';
import { errors, json, secured, taskId } from './route-parts.ts';

export const getTrace = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/trace',
  summary:
    'What every agent of a task did, as spans of OpenTelemetry: the same that a collector is told, without anybody’s words.',
  request: { params: taskId },
  responses: { 200: json(TaskTrace, 'All turns, oldest first.'), ...errors },
});
