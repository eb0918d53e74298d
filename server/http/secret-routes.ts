import type { SecretStore } from '../environment/secret-store.ts';
import type { App } from './app.ts';
import * as routes from './secret-route-shapes.ts';

export interface SecretRouteDeps {
  secrets: Pick<SecretStore, 'list' | 'put' | 'remove'>;
}

/** Everybody has their own. */
export function secretRoutes(app: App, { secrets }: SecretRouteDeps): void {
  app.openapi(routes.listSecrets, async (context) =>
    context.json({ secrets: await secrets.list(context.get('user')) }, 200),
  );
  app.openapi(routes.putSecret, async (context) => {
    const { name } = context.req.valid('param');
    return context.json(await secrets.put(context.get('user'), name, context.req.valid('json')), 200);
  });
  app.openapi(routes.removeSecret, async (context) => {
    await secrets.remove(context.get('user'), context.req.valid('param').name);
    return context.body(null, 204);
  });
}
