import type { ConversationService } from '../tasks/conversation-service.ts';
import type { TaskService } from '../tasks/task-service.ts';
import type { App } from './app.ts';
import * as routes from './routes.ts';

export interface TaskRouteDeps {
  tasks: TaskService;
  conversation: ConversationService;
}

export function taskRoutes(app: App, { tasks, conversation }: TaskRouteDeps): void {
  app.openapi(routes.createTask, async (context) =>
    context.json(await tasks.create(context.req.valid('json'), context.get('user')), 201),
  );
  app.openapi(routes.listTasks, async (context) => {
    const { cursor, limit } = context.req.valid('query');
    return context.json(await tasks.list(context.get('user'), cursor, limit), 200);
  });
  app.openapi(routes.getTask, async (context) =>
    context.json(await tasks.get(context.req.valid('param').id), 200),
  );
  app.openapi(routes.archiveTask, async (context) => {
    await tasks.archive(context.req.valid('param').id);
    return context.body(null, 204);
  });
  app.openapi(routes.sendMessage, async (context) =>
    context.json(await conversation.send(context.req.valid('param').id, context.req.valid('json')), 202),
  );
  app.openapi(routes.editMessage, async (context) => {
    const { id, messageId } = context.req.valid('param');
    await conversation.edit(id, messageId, context.req.valid('json').text);
    return context.body(null, 204);
  });
  app.openapi(routes.withdrawMessage, async (context) => {
    const { id, messageId } = context.req.valid('param');
    await conversation.withdraw(id, messageId);
    return context.body(null, 204);
  });
  app.openapi(routes.answerQuestion, async (context) =>
    context.json(await conversation.answer(context.req.valid('param').id, context.req.valid('json')), 202),
  );
  app.openapi(routes.stopTask, async (context) =>
    context.json(await conversation.stop(context.req.valid('param').id), 202),
  );
}
