import type { Ready } from '../protocol/health.ts';
import { PROTOCOL_VERSION } from '../protocol/version.ts';
import type { App } from './app.ts';
import * as routes from './routes.ts';

export interface SystemRouteDeps {
  version: string;
  readiness: () => Promise<Ready>;
}

export function systemRoutes(app: App, { version, readiness }: SystemRouteDeps): void {
  app.openapi(routes.health, (context) =>
    context.json({ status: 'ok' as const, version, protocol: PROTOCOL_VERSION }, 200),
  );
  app.openapi(routes.ready, async (context) => context.json(await readiness(), 200));
}
