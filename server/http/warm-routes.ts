import { createRoute } from '@hono/zod-openapi';
import { Warm } from '../protocol/commands.ts';
import { filesNotAllowed, isFileUrl } from '../repo/source-url.ts';
import type { Prebuilds } from '../sandbox/prebuild/prebuilds.ts';
import type { App } from './app.ts';
import { body, errors, secured } from './route-parts.ts';

export interface WarmRouteDeps {
  prebuilds: Pick<Prebuilds, 'want'>;
  /** Whether the user may have this machine's files read. */
  mayReadFiles: (owner: string) => boolean;
}

const warm = createRoute({
  ...secured,
  method: 'post',
  path: '/v1/warm',
  summary:
    'Says that somebody is about to delegate from a repository: a machine may be built for that beforehand.',
  request: body(Warm),
  responses: { 202: { description: 'It was heard; nothing has to come of it.' }, ...errors },
});

export function warmRoutes(app: App, { prebuilds, mayReadFiles }: WarmRouteDeps): void {
  app.openapi(warm, (context) => {
    const { source } = context.req.valid('json');
    const owner = context.get('user');
    if (isFileUrl(source.url) && !mayReadFiles(owner)) throw filesNotAllowed();
    prebuilds.want({ owner, source });
    return context.body(null, 202);
  });
}
