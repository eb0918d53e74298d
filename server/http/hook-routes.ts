import { createHash } from 'node:crypto';
import { bodyLimit } from 'hono/body-limit';
import { AppError } from '../errors.ts';
import type { FollowService } from '../follow/follow-service.ts';
import { isSigned, readHook } from '../follow/hooks.ts';
import type { App } from './app.ts';
import { githubHook, HOOK_PATH } from './hook-route-shapes.ts';

export interface HookRouteDeps {
  following: FollowService;
  /** What the relay shares with GitHub. Absent: nobody is listened to. */
  webhookSecret: string | undefined;
}

/** Bytes: more than GitHub has to say about one pull request. Whoever sends it is not known before all of it was read. */
const MOST_BYTES = 1024 * 1024;

export function hookRoutes(app: App, { following, webhookSecret }: HookRouteDeps): void {
  app.use(
    HOOK_PATH,
    bodyLimit({
      maxSize: MOST_BYTES,
      onError: () => {
        throw new AppError('payload_too_large', `The message is larger than ${MOST_BYTES} bytes.`);
      },
    }),
  );
  app.openAPIRegistry.registerPath(githubHook);
  // Not by the shape: what is signed are the bytes, and before they are known to be GitHub's nothing in them is read.
  app.post(HOOK_PATH, async (context) => {
    if (webhookSecret === undefined) {
      throw new AppError('not_found', 'This relay listens to no webhooks.', {
        nextAction:
          'Set HANDOFF_GITHUB_WEBHOOK_SECRET to the secret of the webhook, and start the relay again.',
      });
    }
    const body = new Uint8Array(await context.req.arrayBuffer());
    const said = (name: string): string | undefined => context.req.header(name);
    if (!isSigned(webhookSecret, body, said('x-hub-signature-256'))) {
      throw new AppError('unauthorized', 'The signature is missing or wrong.', {
        nextAction: 'Give the webhook the secret that HANDOFF_GITHUB_WEBHOOK_SECRET has.',
      });
    }
    const hook = readHook(said('x-github-event'), parsed(body));
    // By what is signed, and not by the number beside it: what was listened in on cannot be told again as something new.
    const deliveryId = createHash('sha256').update(body).digest('hex');
    if (hook) await following.hear(deliveryId, hook);
    return context.body(null, 204);
  });
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new AppError('bad_request', 'The message is no JSON.', {
      cause,
      nextAction: 'Set the webhook’s content type to application/json.',
    });
  }
}
