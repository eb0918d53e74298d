import { createRoute } from '@hono/zod-openapi';
import * as z from 'zod';
import { errors } from './route-parts.ts';

/** Where GitHub tells what becomes of pull requests. It sends no token: it signs. */
export const HOOK_PATH = '/v1/hooks/github';

export const githubHook = createRoute({
  method: 'post',
  path: HOOK_PATH,
  summary: 'Takes in a webhook of GitHub, signed with the secret that this relay and GitHub share.',
  request: {
    headers: z.object({
      'x-github-event': z.string().max(100).optional(),
      'x-hub-signature-256': z.string().max(200).optional(),
    }),
    body: { required: true, content: { 'application/json': { schema: z.unknown() } } },
  },
  responses: { 204: { description: 'It was taken in, or is about nothing of this relay’s.' }, ...errors },
});
