import type { ProposalEdits } from '../tasks/proposal-edits.ts';
import type { ReviewService } from '../tasks/review-service.ts';
import type { App } from './app.ts';
import * as routes from './review-route-shapes.ts';

export interface ReviewRouteDeps {
  reviews: ReviewService;
  edits: ProposalEdits;
}

/** What came out of a sandbox must never be taken for a page. */
const AS_DATA = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
};

export function reviewRoutes(app: App, { reviews, edits }: ReviewRouteDeps): void {
  app.openapi(routes.getChanges, async (context) =>
    context.json(await reviews.changes(context.req.valid('param').id, context.req.valid('query').tree), 200),
  );
  app.openapi(routes.getBlob, async (context) => {
    const { id, oid } = context.req.valid('param');
    const content = await reviews.blob(id, oid);
    return context.body(new Uint8Array(content), 200, {
      ...AS_DATA,
      'content-type': 'application/octet-stream',
    });
  });
  app.openapi(routes.readBlobs, async (context) => {
    const blobs = await reviews.blobs(context.req.valid('param').id, context.req.valid('json').oids);
    const contents = [...blobs].map(([oid, data]) => ({
      oid,
      content: Buffer.from(data).toString('base64'),
    }));
    return context.json({ blobs: contents }, 200);
  });
  app.openapi(routes.getPatch, async (context) => {
    const patch = await reviews.patch(context.req.valid('param').id, context.req.valid('query').tree);
    return context.body(new Uint8Array(patch), 200, { ...AS_DATA, 'content-type': 'text/x-diff' }) as never;
  });
  app.openapi(routes.putReview, async (context) =>
    context.json(await reviews.replace(context.req.valid('param').id, context.req.valid('json')), 200),
  );
  app.openapi(routes.patchReview, async (context) =>
    context.json(await reviews.decide(context.req.valid('param').id, context.req.valid('json')), 200),
  );
  app.openapi(routes.editProposal, async (context) =>
    context.json(await edits.edit(context.req.valid('param').id, context.req.valid('json')), 200),
  );
}
