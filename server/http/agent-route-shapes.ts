import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { AgentStopAnswer } from '../protocol/agents.ts';
import { BroughtIn } from '../protocol/kept-work.ts';
import { errors, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about one subagent. */

const params = taskId.extend({ agentId: z.string().min(1).max(300) });

export const stopAgent = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/agents/{agentId}/stop',
  summary: 'Stops one subagent, and those that work for it; the one that it works for goes on.',
  request: { params },
  responses: { 202: json(AgentStopAnswer, 'It stops, or had ended.'), ...errors },
});

export const bringIn = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/agents/{agentId}/bring-in',
  summary: 'Brings into the proposal what an executor made and what could not be brought into the workspace.',
  request: { params },
  responses: { 200: json(BroughtIn, 'The proposal has it, but for what is in conflict.'), ...errors },
});
