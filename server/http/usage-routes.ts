import type { UsageBook } from '../aftermath/usage.ts';
import type { App } from './app.ts';
import * as routes from './routes.ts';

export interface UsageRouteDeps {
  usage: Pick<UsageBook, 'report'>;
}

export function usageRoutes(app: App, { usage }: UsageRouteDeps): void {
  app.openapi(routes.getUsage, async (context) =>
    context.json(await usage.report(context.get('user'), context.req.valid('query').since), 200),
  );
}
