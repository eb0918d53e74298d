import type { IncomingMessage } from 'node:http';
import { readJsonObject } from '../http.ts';
import type { Identity, Signed } from './accounts.ts';
import { type Checks, Redirect } from './checks.ts';
import { badCredentials, notFound, Refusal, requiresAuthentication, ssoRequired } from './errors.ts';
import type { GitData } from './git-data.ts';
import type { Pulls } from './pulls.ts';
import {
  type Origin,
  publicUser,
  pullRequest,
  pullSummary,
  type RepositoryRecord,
  repository,
} from './records.ts';

export interface RestContext {
  origin: Origin;
  checks: Checks;
  gitData: GitData;
  pulls: Pulls;
  find(owner: string, name: string): RepositoryRecord | undefined;
}

export interface RestAnswer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/**
 * Answers one REST request. Throws a `Refusal` for what GitHub refuses.
 * @param url the request's, without the API's prefix
 */
export async function answerRest(
  context: RestContext,
  request: IncomingMessage,
  url: URL,
  identity: Identity,
): Promise<RestAnswer> {
  if (request.headers['user-agent'] === undefined)
    throw new Refusal(
      403,
      'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
    );
  if (identity === 'rejected') throw badCredentials();
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /user') return ok(publicUser(context.origin, signedIn(identity).user));
  if (route === 'GET /user/emails') return ok(emailsOf(signedIn(identity)));

  const [, owner = '', name = '', rest] = /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? [];
  const record = context.find(owner, name);
  if (record === undefined || (record.private && identity === 'anonymous')) throw notFound();
  if (typeof identity !== 'string' && identity.grant.sso !== undefined) throw ssoRequired(identity.grant.sso);
  if (request.method === 'GET' && rest === undefined)
    return ok({ ...repository(context.origin, record), ...permissionsOf(identity) });
  if (rest === '/pulls' && request.method === 'GET') return list(context, record, url.searchParams);
  if (rest === '/pulls' && request.method === 'POST') {
    const pull = await context.pulls.create(signedIn(identity), record, await bodyOf(request));
    return { status: 201, body: pullRequest(context.origin, pull, await context.pulls.compare(pull)) };
  }

  const data = await context.gitData.answer(typeof identity === 'string' ? undefined : identity, record, {
    method: request.method ?? '',
    rest: rest ?? '',
    body: () => bodyOf(request),
  });
  if (data !== undefined) return data;

  const found = request.method === 'GET' && context.checks.answer(record, rest ?? '', url.searchParams);
  if (found instanceof Redirect) {
    signedIn(identity);
    return { status: 302, body: '', headers: { location: found.to } };
  }
  if (found) return ok(found);

  const number = Number(/^\/pulls\/(\d+)$/.exec(rest ?? '')?.[1]);
  const pull = context.pulls.all.find((other) => other.repository === record && other.number === number);
  if (pull === undefined) throw notFound();
  if (request.method === 'PATCH') context.pulls.update(signedIn(identity), pull, await bodyOf(request));
  else if (request.method !== 'GET') throw notFound();
  return ok(pullRequest(context.origin, pull, await context.pulls.compare(pull)));
}

const ok = (body: unknown): RestAnswer => ({ status: 200, body });

/** What the owner of the token may do; GitHub says it to those who sign in. */
function permissionsOf(identity: Identity): object {
  if (typeof identity === 'string') return {};
  const push = identity.grant.contents !== 'read';
  return { permissions: { admin: false, maintain: false, push, triage: push, pull: true } };
}

function signedIn(identity: Identity): Signed {
  if (typeof identity === 'string') throw requiresAuthentication();
  return identity;
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await readJsonObject(request);
  if (body === undefined) throw new Refusal(400, 'Problems parsing JSON');
  return body;
}

function emailsOf({ user, grant }: Signed): object[] {
  if (!grant.scopes.includes('user:email') && !grant.scopes.includes('user')) throw notFound();
  const emails = user.emails ?? [`${user.id}+${user.login}@users.noreply.github.com`];
  return emails.map((email, index) => ({
    email,
    primary: index === 0,
    verified: true,
    visibility: index === 0 ? 'private' : null,
  }));
}

/** A `head` without `owner:` is ignored, as at GitHub: such a list holds every pull request. */
async function list(
  { origin, pulls }: RestContext,
  record: RepositoryRecord,
  query: URLSearchParams,
): Promise<RestAnswer> {
  const [state, head, base] = [query.get('state') ?? 'open', query.get('head'), query.get('base')];
  const chosen = pulls.all.filter(
    (pull) =>
      pull.repository === record &&
      (state === 'all' || pull.state === state) &&
      (!head?.includes(':') || head === `${pull.headRepository.owner.login}:${pull.head}`) &&
      (base === null || base === pull.base),
  );
  return ok(
    await Promise.all(
      chosen.toReversed().map(async (pull) => pullSummary(origin, pull, await pulls.compare(pull))),
    ),
  );
}
