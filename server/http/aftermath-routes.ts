import * as routes from './aftermath-route-shapes.ts';
import type { App } from './app.ts';

export interface AftermathRouteDeps {
  /** See `AftermathStore`. */
  isAftermathOver: (turn: { taskId: string; turnId: string }) => Promise<boolean>;
}

export function aftermathRoutes(app: App, { isAftermathOver }: AftermathRouteDeps): void {
  app.openapi(routes.getAftermath, async (context) => {
    const { id, turnId } = context.req.valid('param');
    return context.json({ isOver: await isAftermathOver({ taskId: id, turnId }) }, 200);
  });
}
