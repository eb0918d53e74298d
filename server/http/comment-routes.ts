import type { CommentService } from '../tasks/comment-service.ts';
import type { App } from './app.ts';
import * as routes from './comment-route-shapes.ts';

export interface CommentRouteDeps {
  comments: CommentService;
}

export function commentRoutes(app: App, { comments }: CommentRouteDeps): void {
  app.openapi(routes.writeComments, async (context) =>
    context.json(await comments.write(context.req.valid('param').id, context.req.valid('json')), 200),
  );
  app.openapi(routes.submitComments, async (context) =>
    context.json(await comments.submit(context.req.valid('param').id, context.req.valid('json')), 202),
  );
  app.openapi(routes.editComment, async (context) => {
    const { id, commentId } = context.req.valid('param');
    await comments.edit(id, commentId, context.req.valid('json').text);
    return context.body(null, 204);
  });
  app.openapi(routes.removeComment, async (context) => {
    const { id, commentId } = context.req.valid('param');
    await comments.remove(id, commentId);
    return context.body(null, 204);
  });
  app.openapi(routes.resolveThread, async (context) => {
    const { id, threadId } = context.req.valid('param');
    await comments.resolve(id, threadId, context.req.valid('json').isResolved);
    return context.body(null, 204);
  });
}
