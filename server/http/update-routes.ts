import type { UpdateService } from '../tasks/update-service.ts';
import type { App } from './app.ts';
import * as routes from './update-route-shapes.ts';

export interface UpdateRouteDeps {
  updates: UpdateService;
}

export function updateRoutes(app: App, { updates }: UpdateRouteDeps): void {
  app.openapi(routes.getStanding, async (context) => {
    const token = context.req.valid('header')['x-github-token'];
    return context.json(await updates.standing(context.req.valid('param').id, token), 200);
  });
  app.openapi(routes.updateBase, async (context) => {
    const token = context.req.valid('header')['x-github-token'];
    return context.json(
      await updates.update(context.req.valid('param').id, context.req.valid('json'), token),
      200,
    );
  });
}
