import type { AgentService } from '../tasks/agent-service.ts';
import * as routes from './agent-route-shapes.ts';
import type { App } from './app.ts';

export interface AgentRouteDeps {
  agents: AgentService;
}

export function agentRoutes(app: App, { agents }: AgentRouteDeps): void {
  app.openapi(routes.stopAgent, async (context) => {
    const { id, agentId } = context.req.valid('param');
    return context.json(await agents.stop(id, agentId), 202);
  });
}
