import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { ErrorBody } from '../protocol/errors.ts';
import { OpenPreview, PortList, PreviewList, PreviewOpened } from '../protocol/preview.ts';

/** The shapes of the routes about previews. */

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const errors = { default: json(ErrorBody, 'What went wrong, why, and what to do next.') };
const secured = { security: [{ token: [] }] };
const task = z.object({ id: z.uuid() });

export const listPorts = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/ports',
  summary: 'The ports on which something listens in the task’s sandbox, which is not woken for this.',
  request: { params: task },
  responses: { 200: json(PortList, 'Ascending.'), ...errors },
});

export const openPreview = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/previews',
  summary: 'A link that shows a port of the task’s sandbox in one browser, until it expires or is revoked.',
  request: {
    params: task,
    body: { required: true, content: { 'application/json': { schema: OpenPreview } } },
  },
  responses: { 201: json(PreviewOpened, 'The link, which is a credential.'), ...errors },
});

export const listPreviews = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/previews',
  summary: 'The task’s open links, newest first, without what opens them.',
  request: { params: task },
  responses: { 200: json(PreviewList, 'Those that neither expired nor were revoked.'), ...errors },
});

export const revokePreview = createRoute({
  ...secured,
  method: 'delete',
  path: '/v1/tasks/{id}/previews/{previewId}',
  summary: 'Revokes a link at once, and ends what is being loaded under it.',
  request: { params: task.extend({ previewId: z.string().max(64) }) },
  responses: { 204: { description: 'It opens nothing any more.' }, ...errors },
});
