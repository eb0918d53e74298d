import { createRoute } from '@hono/zod-openapi';
import { SlashCommands } from '../protocol/slash-commands.ts';
import { errors, json, secured, taskId } from './route-parts.ts';

/** The shape of the route about what may be written as `/name`. */

export const listCommands = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/commands',
  summary: 'What a message of the task may begin with: commands of every relay, and of its repository.',
  request: { params: taskId },
  responses: { 200: json(SlashCommands, 'By name.'), ...errors },
});
