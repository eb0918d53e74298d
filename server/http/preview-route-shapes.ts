import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { OpenPreview, PortList, PreviewList, PreviewOpened } from '../protocol/preview.ts';
import { body, errors, json, secured, taskId } from './route-parts.ts';

/** The shapes of the routes about previews. */

export const listPorts = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/ports',
  summary: 'The ports on which something listens in the task’s sandbox, which is not woken for this.',
  request: { params: taskId },
  responses: { 200: json(PortList, 'Ascending.'), ...errors },
});

export const openPreview = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/tasks/{id}/previews',
  summary: 'A link that shows a port of the task’s sandbox in one browser, until it expires or is revoked.',
  request: {
    params: taskId,
    ...body(OpenPreview),
  },
  responses: { 201: json(PreviewOpened, 'The link, which is a credential.'), ...errors },
});

export const listPreviews = createRoute({
  ...secured,
  method: 'get',
  path: '/v1/tasks/{id}/previews',
  summary: 'The task’s open links, newest first, without what opens them.',
  request: { params: taskId },
  responses: { 200: json(PreviewList, 'Those that neither expired nor were revoked.'), ...errors },
});

export const revokePreview = createRoute({
  ...secured,
  method: 'delete',
  path: '/v1/tasks/{id}/previews/{previewId}',
  summary: 'Revokes a link at once, and ends what is being loaded under it.',
  request: { params: taskId.extend({ previewId: z.string().max(64) }) },
  responses: { 204: { description: 'It opens nothing any more.' }, ...errors },
});
