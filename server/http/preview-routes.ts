import type { Previews } from '../preview/previews.ts';
import type { App } from './app.ts';
import * as routes from './preview-route-shapes.ts';

export interface PreviewRouteDeps {
  previews: Pick<Previews, 'ports' | 'open' | 'list' | 'revoke'>;
}

export function previewRoutes(app: App, { previews }: PreviewRouteDeps): void {
  app.openapi(routes.listPorts, async (context) =>
    context.json(await previews.ports(context.req.valid('param').id), 200),
  );
  app.openapi(routes.openPreview, async (context) =>
    context.json(await previews.open(context.req.valid('param').id, context.req.valid('json')), 201),
  );
  app.openapi(routes.listPreviews, async (context) =>
    context.json({ previews: await previews.list(context.req.valid('param').id) }, 200),
  );
  app.openapi(routes.revokePreview, async (context) => {
    const { id, previewId } = context.req.valid('param');
    await previews.revoke(id, previewId);
    return context.body(null, 204);
  });
}
