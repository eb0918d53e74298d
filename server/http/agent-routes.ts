import type { AgentService } from '../tasks/agent-service.ts';
import type { KeptWorkService } from '../tasks/kept-work-service.ts';
import * as routes from './agent-route-shapes.ts';
import type { App } from './app.ts';

export interface AgentRouteDeps {
  agents: AgentService;
  keptWork: KeptWorkService;
}

export function agentRoutes(app: App, { agents, keptWork }: AgentRouteDeps): void {
  app.openapi(routes.stopAgent, async (context) => {
    const { id, agentId } = context.req.valid('param');
    return context.json(await agents.stop(id, agentId), 202);
  });
  app.openapi(routes.bringIn, async (context) => {
    const { id, agentId } = context.req.valid('param');
    return context.json(await keptWork.bringIn(id, agentId), 200);
  });
}
