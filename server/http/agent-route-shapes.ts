import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { AgentStopAnswer } from '../protocol/agents.ts';
import { errors, json, secured, taskId } from './route-parts.ts';

/** The shape of the route about one subagent. */

export const stopAgent = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/agents/{agentId}/stop',
  summary: 'Stops one subagent, and those that work for it; the one that it works for goes on.',
  request: { params: taskId.extend({ agentId: z.string().min(1).max(300) }) },
  responses: { 202: json(AgentStopAnswer, 'It stops, or had ended.'), ...errors },
});
