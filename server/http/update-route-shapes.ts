import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { BaseStanding, BaseUpdated, UpdateBase } from '../protocol/update.ts';
import { body, errors, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about a base that moves on. */

const headers = z.object({ 'x-github-token': z.string().min(1).max(1024).optional() });

export const getStanding = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/update',
  summary: 'Whether the branch that the task started from has a newer commit.',
  request: { params: taskId, headers },
  responses: { 200: json(BaseStanding, 'Where the task and the branch are.'), ...errors },
});

export const updateBase = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/update',
  summary: 'Brings the task onto the newest commit of the branch that it started from.',
  request: { params: taskId, headers, ...body(UpdateBase) },
  responses: { 200: json(BaseUpdated, 'It is there, now or already.'), ...errors },
});
