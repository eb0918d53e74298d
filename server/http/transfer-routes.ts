import { Readable } from 'node:stream';
import { AppError } from '../errors.ts';
import type { TaskImported } from '../protocol/commands.ts';
import type { ExportedTask } from '../transfer/export-task.ts';
import type { App } from './app.ts';
import * as routes from './routes.ts';

export interface TransferRouteDeps {
  transfers: {
    /** A task as a file. */
    export(taskId: string): Promise<ExportedTask>;
    /** A task of a file; refuses one that is not whole, or that the relay has. */
    import(body: Readable, owner: string): Promise<TaskImported>;
  };
}

export function transferRoutes(app: App, { transfers }: TransferRouteDeps): void {
  app.openapi(routes.exportTask, async (context) => {
    const { name, bytes, content } = await transfers.export(context.req.valid('param').id);
    return context.body(Readable.toWeb(content) as never, 200, {
      'content-type': 'application/gzip',
      'content-length': String(bytes),
      'content-disposition': `attachment; filename="${name}"`,
      'cache-control': 'no-store',
    });
  });
  app.openapi(routes.importTask, async (context) => {
    const { body } = context.req.raw;
    if (!body) {
      throw new AppError('import_invalid', 'The upload is empty.', {
        nextAction: 'Send a file that was exported.',
      });
    }
    const imported = await transfers.import(Readable.fromWeb(body as never), context.get('user'));
    return context.json(imported, 201);
  });
}
