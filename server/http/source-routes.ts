import type { Readable } from 'node:stream';
import { Readable as NodeReadable } from 'node:stream';
import { AppError } from '../errors.ts';
import type { App } from './app.ts';
import * as routes from './routes.ts';

export interface SourceRouteDeps {
  sources: {
    /** Keeps an uploaded bundle; refuses one that is not a bundle or too large. */
    save(body: Readable): Promise<{ sourceId: string; bytes: number }>;
  };
}

export function sourceRoutes(app: App, { sources }: SourceRouteDeps): void {
  app.openapi(routes.uploadSource, async (context) => {
    const { body } = context.req.raw;
    if (!body)
      throw new AppError('bad_request', 'The upload is empty.', { nextAction: 'Send a git bundle.' });
    return context.json(await sources.save(NodeReadable.fromWeb(body as never)), 201);
  });
}
