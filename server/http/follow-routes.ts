import type { FollowService } from '../follow/follow-service.ts';
import type { App } from './app.ts';
import * as routes from './follow-route-shapes.ts';

export interface FollowRouteDeps {
  following: FollowService;
}

export function followRoutes(app: App, { following }: FollowRouteDeps): void {
  app.openapi(routes.refreshPullRequest, async (context) => {
    const token = context.req.valid('header')['x-github-token'];
    return context.json(await following.refresh(context.req.valid('param').id, token), 200);
  });
  app.openapi(routes.fixPullRequest, async (context) => {
    const token = context.req.valid('header')['x-github-token'];
    const wish = context.req.valid('json');
    return context.json(await following.fix(context.req.valid('param').id, wish, token), 202);
  });
  app.openapi(routes.followPullRequest, async (context) => {
    await following.follow(context.req.valid('param').id, context.req.valid('json'));
    return context.body(null, 204);
  });
}
