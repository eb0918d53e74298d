import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from 'pino';
import * as z from 'zod';
import { AppError } from '../errors.ts';
import { noSuchTask } from '../tasks/postgres-store.ts';
import { type AftermathRouteDeps, aftermathRoutes } from './aftermath-routes.ts';
import { type AgentRouteDeps, agentRoutes } from './agent-routes.ts';
import { bearerAuth, sameMachine } from './auth.ts';
import { type CommandRouteDeps, commandRoutes } from './command-routes.ts';
import { type CommentRouteDeps, commentRoutes } from './comment-routes.ts';
import { errorHandler } from './error-handler.ts';
import { type EventRouteDeps, eventRoutes } from './event-routes.ts';
import { type FollowRouteDeps, followRoutes } from './follow-routes.ts';
import { HOOK_PATH } from './hook-route-shapes.ts';
import { type HookRouteDeps, hookRoutes } from './hook-routes.ts';
import { type PreviewRouteDeps, previewRoutes } from './preview-routes.ts';
import { type PublishRouteDeps, publishRoutes } from './publish-routes.ts';
import { type ReviewRouteDeps, reviewRoutes } from './review-routes.ts';
import { type RollbackRouteDeps, rollbackRoutes } from './rollback-routes.ts';
import { type SecretRouteDeps, secretRoutes } from './secret-routes.ts';
import { type SourceRouteDeps, sourceRoutes } from './source-routes.ts';
import { type SystemRouteDeps, systemRoutes } from './system-routes.ts';
import { type TaskRouteDeps, taskRoutes } from './task-routes.ts';
import { type TraceRouteDeps, traceRoutes } from './trace-routes.ts';
import { type TransferRouteDeps, transferRoutes } from './transfer-routes.ts';
import { type UnattendedRouteDeps, unattendedRoutes } from './unattended-routes.ts';
import { type UpdateRouteDeps, updateRoutes } from './update-routes.ts';
import { type UsageRouteDeps, usageRoutes } from './usage-routes.ts';
import { type WarmRouteDeps, warmRoutes } from './warm-routes.ts';

export type App = OpenAPIHono<{ Variables: { requestId: string; user: string } }>;

export interface AppDeps
  extends AftermathRouteDeps,
    AgentRouteDeps,
    CommandRouteDeps,
    CommentRouteDeps,
    EventRouteDeps,
    FollowRouteDeps,
    HookRouteDeps,
    PreviewRouteDeps,
    PublishRouteDeps,
    ReviewRouteDeps,
    RollbackRouteDeps,
    SecretRouteDeps,
    SourceRouteDeps,
    SystemRouteDeps,
    TaskRouteDeps,
    TraceRouteDeps,
    TransferRouteDeps,
    UnattendedRouteDeps,
    UpdateRouteDeps,
    UsageRouteDeps,
    WarmRouteDeps {
  token: string;
  /** People besides the owner, and their tokens. */
  users: Record<string, string>;
  allowedHosts: readonly string[];
  /** What was thrown, or what it comes of. */
  explain: (thrown: Error) => Promise<Error>;
  logger: Logger;
}

/** Bytes of a JSON body: an overlay of 25 MB in base64, and room. */
const MAX_BODY = 48 * 1024 * 1024;

/** Where files are sent, which have limits of their own. */
const UPLOADS = new Set(['/v1/sources', '/v1/tasks/import']);

/** What is asked without the relay's token: it tells nothing, or has a proof of its own. */
const OPEN = new Set(['/v1/health', HOOK_PATH]);

/** The relay's HTTP API. */
export function createApp(deps: AppDeps): App {
  const app: App = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw invalid(result.error);
    },
  });
  app.use(async (context, next) => {
    const requestId = randomUUID();
    context.set('requestId', requestId);
    context.header('x-request-id', requestId);
    await next();
  });
  // A HEAD is answered by running the GET and dropping its body: a stream would run for ever, with nobody there.
  app.use(async (context, next) => {
    if (context.req.raw.method === 'HEAD' && context.req.path !== '/v1/health') {
      throw new AppError('bad_request', 'The relay does not answer HEAD.', { nextAction: 'Use GET.' });
    }
    await next();
  });
  app.use(sameMachine(deps.allowedHosts));
  const auth = bearerAuth(deps.token, deps.users);
  app.use(async (context, next) => (OPEN.has(context.req.path) ? next() : auth(context, next)));
  const limit = bodyLimit({
    maxSize: MAX_BODY,
    onError: () => {
      throw new AppError('payload_too_large', `The request is larger than ${MAX_BODY} bytes.`, {
        nextAction: 'Commit large files first, or leave them out of the uncommitted work.',
      });
    },
  });
  app.use(async (context, next) => (UPLOADS.has(context.req.path) ? next() : limit(context, next)));

  // Somebody else's task is none: whoever guesses its id learns nothing.
  app.use('/v1/tasks/:id/*', async (context, next) => {
    const id = context.req.param('id');
    if (z.uuid().safeParse(id).success && (await deps.tasks.row(id)).owner !== context.get('user')) {
      throw noSuchTask(id);
    }
    await next();
  });

  systemRoutes(app, deps);
  sourceRoutes(app, deps);
  transferRoutes(app, deps);
  taskRoutes(app, deps);
  aftermathRoutes(app, deps);
  agentRoutes(app, deps);
  commandRoutes(app, deps);
  eventRoutes(app, deps);
  reviewRoutes(app, deps);
  rollbackRoutes(app, deps);
  updateRoutes(app, deps);
  commentRoutes(app, deps);
  publishRoutes(app, deps);
  usageRoutes(app, deps);
  traceRoutes(app, deps);
  secretRoutes(app, deps);
  warmRoutes(app, deps);
  previewRoutes(app, deps);
  followRoutes(app, deps);
  hookRoutes(app, deps);
  unattendedRoutes(app, deps);

  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  app.doc31('/v1/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Handoff relay', version: deps.version },
  });
  app.notFound(() => {
    throw new AppError('not_found', 'There is no such route.', { nextAction: 'See /v1/openapi.json.' });
  });
  const answer = errorHandler(deps.logger);
  app.onError(async (thrown, context) =>
    answer(thrown instanceof HTTPException ? thrown : await deps.explain(thrown), context),
  );
  return app;
}

/** Names the fields that are wrong, never their values: one of them may be a secret. */
function invalid(error: z.core.$ZodError): AppError {
  const problems = error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  return new AppError('bad_request', `The request is wrong. ${problems.slice(0, 10).join('; ')}`, {
    nextAction: 'Mend the named fields; see /v1/openapi.json.',
  });
}
