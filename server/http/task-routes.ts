import type { TaskService } from '../tasks/task-service.ts';
import type { App } from './app.ts';
import * as routes from './routes.ts';

export interface TaskRouteDeps {
  tasks: TaskService;
}

export function taskRoutes(app: App, { tasks }: TaskRouteDeps): void {
  app.openapi(routes.createTask, async (context) =>
    context.json(await tasks.create(context.req.valid('json')), 201),
  );
  app.openapi(routes.listTasks, async (context) => {
    const { cursor, limit } = context.req.valid('query');
    return context.json(await tasks.list(cursor, limit), 200);
  });
  app.openapi(routes.getTask, async (context) =>
    context.json(await tasks.get(context.req.valid('param').id), 200),
  );
  app.openapi(routes.archiveTask, async (context) => {
    await tasks.archive(context.req.valid('param').id);
    return context.body(null, 204);
  });
  app.openapi(routes.sendMessage, async (context) =>
    context.json(await tasks.send(context.req.valid('param').id, context.req.valid('json')), 202),
  );
  app.openapi(routes.stopTask, async (context) =>
    context.json(await tasks.stop(context.req.valid('param').id), 202),
  );
}
