import type { UnattendedService } from '../unattended/unattended-service.ts';
import type { App } from './app.ts';
import * as routes from './unattended-route-shapes.ts';

export interface UnattendedRouteDeps {
  unattended: UnattendedService;
}

export function unattendedRoutes(app: App, { unattended }: UnattendedRouteDeps): void {
  app.openapi(routes.armUnattended, async (context) => {
    const token = context.req.valid('header')['x-github-token'];
    const command = context.req.valid('json');
    return context.json(await unattended.arm(context.req.valid('param').id, command, token), 200);
  });
  app.openapi(routes.getUnattended, async (context) =>
    context.json(await unattended.get(context.req.valid('param').id), 200),
  );
  app.openapi(routes.disarmUnattended, async (context) => {
    await unattended.disarm(context.req.valid('param').id);
    return context.body(null, 204);
  });
}
