import type { RollbackService } from '../tasks/rollback-service.ts';
import type { App } from './app.ts';
import * as routes from './rollback-route-shapes.ts';

export interface RollbackRouteDeps {
  rollbacks: RollbackService;
}

export function rollbackRoutes(app: App, { rollbacks }: RollbackRouteDeps): void {
  app.openapi(routes.rollBack, async (context) =>
    context.json(await rollbacks.rollBack(context.req.valid('param').id, context.req.valid('json')), 200),
  );
}
