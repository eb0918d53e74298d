import type { CommandService } from '../handbook/command-service.ts';
import type { App } from './app.ts';
import * as routes from './command-route-shapes.ts';

export interface CommandRouteDeps {
  commands: CommandService;
}

export function commandRoutes(app: App, { commands }: CommandRouteDeps): void {
  app.openapi(routes.listCommands, async (context) =>
    context.json({ commands: await commands.list(context.req.valid('param').id) }, 200),
  );
}
