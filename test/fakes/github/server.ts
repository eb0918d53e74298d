import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serveGit } from '../git-server/backend.ts';
import { type Content, createRepositories } from '../git-server/repositories.ts';
import { type Listener, listen, readJsonObject, sendJson } from '../http.ts';
import { type FakeUser, type Identity, identify } from './accounts.ts';
import { type Checks, createChecks } from './checks.ts';
import { Refusal } from './errors.ts';
import { createGitData, type GitData } from './git-data.ts';
import { createGraphql, type Tamper } from './graphql.ts';
import { createNetwork, type Network } from './network.ts';
import { createPulls } from './pulls.ts';
import type { PullRecord, RepositoryRecord } from './records.ts';
import { answerRest } from './rest.ts';

export interface FakeGitHubOptions {
  users: FakeUser[];
  /** Owners are logins of `users`. */
  repos?: { owner: string; name: string; content: Content; private?: boolean }[];
  /** Where the REST API is; GitHub Enterprise Server has it there. */
  apiPrefix?: string;
  port?: number;
}

/** One request that came, without its credential. */
export interface SeenRequest {
  method: string;
  path: string;
  /** Who sent it: a login, or `anonymous` or `rejected`. */
  by: string;
  status: number;
}

/** What goes wrong with the next request to the REST API. */
export type RestFault =
  /** It is answered by this status, and not carried out. */
  | { status: number; body?: unknown; retryAfter?: number }
  /** It is carried out, and the connection dies before the answer. */
  | 'lost-answer';

/** GitHub's REST API and its Git host on one origin. Repositories are at `url/owner/name.git`. */
export interface FakeGitHub extends Listener, Pick<GitData, 'protect'>, Network {
  apiUrl: string;
  addRepo(owner: string, name: string, content: Content, options?: { private?: boolean }): Promise<void>;
  /** Runs Git in the host's bare repository. */
  git(owner: string, name: string, args: string[]): Promise<string>;
  /** The pull requests of a repository, in the order of their numbers. */
  pulls(owner: string, name: string): PullRecord[];
  /** What is found and said about commits and pull requests. */
  checks: Checks;
  repository(owner: string, name: string): RepositoryRecord;
  /** Everything that came, in order of its answer: REST and Git. */
  requests: SeenRequest[];
  /** From now on commits that the API makes do not hold what it was given. */
  tamper(how: Tamper): void;
  /** Queues faults: each is met by one REST request. */
  failNext(...faults: RestFault[]): void;
}

export async function startFakeGitHub(options: FakeGitHubOptions): Promise<FakeGitHub> {
  const { users, apiPrefix = '/api/v3' } = options;
  const repositories = await createRepositories();
  const records: RepositoryRecord[] = [];
  const find = (owner: string, name: string) =>
    records.find((record) => record.owner.login === owner && record.name === name);
  const pulls = createPulls(repositories, find);
  const requests: SeenRequest[] = [];
  const faults: RestFault[] = [];
  const origin = { url: '', apiUrl: '' };
  const checks = createChecks(origin);
  const gitData = createGitData(repositories);
  const graphql = createGraphql(repositories, find);
  const { network, breaks } = createNetwork();

  const rest = async (request: IncomingMessage, response: ServerResponse, url: URL, identity: Identity) => {
    const scopes = typeof identity === 'string' ? {} : { 'x-oauth-scopes': identity.grant.scopes.join(', ') };
    const fault = faults.shift();
    if (fault !== undefined && fault !== 'lost-answer') {
      const { status, body = { message: 'Server Error' }, retryAfter } = fault;
      const retry = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
      return sendJson(response, status, body, { ...scopes, ...retry });
    }
    try {
      const { status, body, headers } = await answerRest(
        { origin, pulls, find, checks, gitData },
        request,
        url,
        identity,
      );
      const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 32)}"`;
      if (fault === 'lost-answer') response.destroy();
      else if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
      else sendJson(response, status, body, { ...scopes, etag, ...headers });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      sendJson(response, error.status, error.body, { ...scopes, ...error.headers });
    }
  };

  const git = async (request: IncomingMessage, response: ServerResponse, url: URL, identity: Identity) => {
    const [, owner = '', name = ''] =
      /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(?:info\/refs|git-[a-z-]+)$/.exec(url.pathname) ?? [];
    const record = find(owner, name);
    const pushes = url.search.includes('git-receive-pack') || url.pathname.endsWith('/git-receive-pack');
    const signed = typeof identity === 'string' ? undefined : identity;
    if (
      identity === 'rejected' ||
      (signed === undefined && (pushes || record === undefined || record.private))
    ) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' });
      response.end('Invalid username or token.\n');
      return;
    }
    if (record === undefined) return sendText(response, 404, 'Repository not found.\n');
    if (signed?.grant.sso !== undefined)
      return sendText(response, 403, 'The organization has enabled or enforced SAML SSO.\n');
    if (pushes && signed?.grant.contents === 'read')
      return sendText(response, 403, `Permission to ${owner}/${name}.git denied to ${signed.user.login}.\n`);
    const path = url.pathname.replace(/^\/[^/]+\/[^/]+/, `/${owner}/${name}.git`);
    await serveGit(repositories.root, request, response, path, signed?.user.login);
  };

  const listener = await listen(async (request, response) => {
    const url = new URL(request.url ?? '/', origin.url);
    const identity = identify(users, request);
    const by = typeof identity === 'string' ? identity : identity.user.login;
    const path = `${url.pathname}${url.search}`;
    response.once('close', () =>
      requests.push({ method: request.method ?? '', path, by, status: response.statusCode }),
    );
    if (breaks(response, request.method === 'POST' && url.pathname.endsWith('/git-receive-pack'))) return;
    if (url.pathname === '/api/graphql') {
      if (typeof identity === 'string') return sendJson(response, 401, { message: 'Bad credentials' });
      return sendJson(response, 200, await graphql.answer(identity, (await readJsonObject(request)) ?? {}));
    }
    const log = checks.log(url.pathname);
    if (log !== undefined) return sendText(response, 200, log);
    if (!url.pathname.startsWith(`${apiPrefix}/`)) return git(request, response, url, identity);
    url.pathname = url.pathname.slice(apiPrefix.length);
    return rest(request, response, url, identity);
  }, options.port);
  origin.url = listener.url;
  origin.apiUrl = `${listener.url}${apiPrefix}`;

  const addRepo: FakeGitHub['addRepo'] = async (
    ownerLogin,
    name,
    content,
    { private: hidden = false } = {},
  ) => {
    const owner = users.find(({ login }) => login === ownerLogin);
    if (owner === undefined) throw new Error(`no user "${ownerLogin}" to own ${name}`);
    await repositories.add(ownerLogin, name, content);
    records.push({ id: 5000 + records.length, owner, name, private: hidden, defaultBranch: 'main' });
  };
  for (const { owner, name, content, private: hidden = false } of options.repos ?? [])
    await addRepo(owner, name, content, { private: hidden });

  return {
    ...origin,
    addRepo,
    git: repositories.git,
    pulls: (owner, name) => pulls.all.filter(({ repository }) => repository === find(owner, name)),
    checks,
    repository(owner, name) {
      const record = find(owner, name);
      if (record === undefined) throw new Error(`no repository ${owner}/${name}`);
      return record;
    },
    requests,
    protect: gitData.protect,
    ...network,
    tamper: graphql.tamper,
    failNext: (...next) => void faults.push(...next),
    close: async () => {
      await listener.close();
      await repositories.remove();
    },
  };
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(text);
}
