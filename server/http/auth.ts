import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { AppError } from '../errors.ts';

const digest = (value: string): Buffer => createHash('sha256').update(value).digest();

/** Who the owner of the relay is among its users. */
export const OWNER = 'owner';

/**
 * Wants `Authorization: Bearer <token>`, and says by `context.get('user')` whose token it was. Takes the same time whatever is
 * wrong with it.
 * @param users names and tokens of the people who share this relay with its owner
 */
export function bearerAuth(token: string, users: Record<string, string>): MiddlewareHandler {
  const known = Object.entries({ ...users, [OWNER]: token }).map(
    ([name, secret]) => [name, digest(`Bearer ${secret}`)] as const,
  );
  return async (context, next) => {
    const given = digest(context.req.header('authorization') ?? '');
    const matching = known.filter(([, expected]) => timingSafeEqual(given, expected));
    const [user] = matching.map(([name]) => name);
    if (user === undefined) {
      throw new AppError('unauthorized', 'The relay’s token is missing or wrong.', {
        nextAction:
          'Send it as “Authorization: Bearer …”; it is in the file “token” of the relay’s data folder.',
      });
    }
    context.set('user', user);
    await next();
  };
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Refuses requests that were not meant for this relay: another Host is DNS rebinding, and an Origin means that a web page
 * sends it, of which there is none.
 */
export function sameMachine(allowedHosts: readonly string[]): MiddlewareHandler {
  return async (context, next) => {
    const host = (context.req.header('host') ?? '').toLowerCase();
    const name = host.replace(/:\d+$/, '');
    if (!LOOPBACK.has(name) && !allowedHosts.includes(name) && !allowedHosts.includes(host)) {
      throw new AppError('forbidden_host', 'The relay is not known by this host name.', {
        nextAction: 'Use http://127.0.0.1:<port>, or name the host in HANDOFF_ALLOWED_HOSTS.',
      });
    }
    if (context.req.header('origin') !== undefined) {
      throw new AppError('forbidden_origin', 'The relay does not answer web pages.', {
        nextAction: 'Use the VS Code extension, the command line, or a client that sends no Origin.',
      });
    }
    await next();
  };
}
