import { COMMIT_HEADER } from '../protocol/publish.ts';
import type { LookAhead } from '../publish/preflight.ts';
import type { PublishService } from '../publish/publish-service.ts';
import type { App } from './app.ts';
import * as routes from './publish-route-shapes.ts';

export interface PublishRouteDeps {
  publishing: PublishService;
  preflight: LookAhead;
}

export function publishRoutes(app: App, { publishing, preflight }: PublishRouteDeps): void {
  app.openapi(routes.openPullRequest, async (context) => {
    const token = context.req.valid('header')['x-github-token'];
    const { id } = context.req.valid('param');
    return context.json(await publishing.publish(id, context.req.valid('json'), token), 200);
  });
  app.openapi(routes.preflight, async (context) => {
    const token = context.req.valid('header')['x-github-token'];
    const { id } = context.req.valid('param');
    return context.json(await preflight(id, context.req.valid('json'), token), 200);
  });
  app.openapi(routes.makeCommits, async (context) => {
    const { id } = context.req.valid('param');
    const { commit, bundle } = await publishing.commits(id, context.req.valid('json'));
    return context.body(new Uint8Array(bundle), 200, {
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      [COMMIT_HEADER]: commit,
    });
  });
}
