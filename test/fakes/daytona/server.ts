import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isObject, readJsonObject, sendJson } from '../http.ts';
import { loadContract } from './contract.ts';
import { befall, createFaults, type Faults } from './faults.ts';
import { forward, upgradePreview } from './proxy.ts';
import { ApiRefusal } from './records.ts';
import { ROUTES } from './routes.ts';
import { newToken, type Passage } from './transitions.ts';
import { createWorld, type World } from './world.ts';

/** Daytona, as far as the real SDK notices: API, toolbox and previews over HTTP; its machines run commands for real. */
export interface DaytonaDouble {
  /** What `DAYTONA_API_URL` would be. */
  url: string;
  apiKey: string;
  world: World;
  faults: Faults;
  /** Every request so far, as `METHOD /path` with `:` for ids, in order; those to a machine's toolbox begin with `/toolbox`. */
  requests: string[];
  /** Requests that have no route here, and answers that the vendor's description does not allow. Empty is right. */
  problems: string[];
  /** Holds a passage from state to state until what it returns is called. */
  hold(passage: Passage): () => void;
  /** What happens without anybody asking for it through this API. */
  behind: {
    stop(id: string): Promise<void>;
    archive(id: string): Promise<void>;
    delete(id: string): Promise<void>;
    /** Its processes end, and the API has not noticed: it says that the sandbox is started. */
    die(id: string): Promise<void>;
    fail(id: string, reason: string): void;
    /** Tokens of previews no longer let in. */
    expireTokens(id: string): void;
    /** Ends the connections to machines, and leaves the machines alone. */
    cutConnections(): void;
  };
  close(): Promise<void>;
}

const API = '/api';
/** What answers otherwise than the rest. */
const CREATED = /^POST \/sandbox\/[^/]+\/last-activity$/;

export async function startDaytonaDouble(): Promise<DaytonaDouble> {
  const apiKey = `dtn_${newToken()}`;
  const world = await createWorld(() => new Date());
  const faults = createFaults();
  const requests: string[] = [];
  const problems: string[] = [];
  const contracts = { api: loadContract('api'), toolbox: loadContract('toolbox') };
  const previews = new Set<Duplex>();
  let origin = '';

  const answerApi = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const { method = 'GET' } = request;
    const path = url.pathname.slice(API.length);
    const found = findRoute(method, path);
    requests.push(found?.name ?? `${method} ${path}`);
    const fault = faults.take(`${method} ${path}`);
    if (fault !== undefined && !fault.after) return befall(response, fault);
    if (found === undefined) {
      problems.push(`no route ${method} ${path}`);
      throw new ApiRefusal(404, `no route ${method} ${path}`);
    }
    if (request.headers.authorization !== `Bearer ${apiKey}`)
      throw new ApiRefusal(401, 'Invalid credentials');
    const body = (await readJsonObject(request)) ?? {};
    const answer: unknown = await found.route(world, {
      params: found.params,
      query: url.searchParams,
      body,
      origin,
    });
    const sent: unknown = answer === undefined ? undefined : JSON.parse(JSON.stringify(answer));
    const status = CREATED.test(`${method} ${path}`) ? 201 : 200;
    problems.push(...contracts.api.check({ method, path }, status, sent));
    if (fault !== undefined) return befall(response, fault);
    if (sent === undefined) response.writeHead(status).end();
    else sendJson(response, status, sent);
  };

  const answerToolbox = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> => {
    const [, , id = '', ...rest] = url.pathname.split('/');
    const path = `/${rest.join('/')}`;
    requests.push(`${request.method} /toolbox${path}`);
    const fault = faults.take(`${request.method} /toolbox${path}`);
    if (fault !== undefined) return befall(response, fault);
    if (request.headers.authorization !== `Bearer ${apiKey}`)
      throw new ApiRefusal(401, 'Invalid credentials');
    const { dto, machine } = world.sandbox(id);
    if (dto.state !== 'started') throw new ApiRefusal(400, 'Sandbox is not started');
    await forward(
      request,
      response,
      { socket: machine.socket, path: path + url.search },
      {
        toolbox: contracts.toolbox,
        problem: (text) => problems.push(text),
      },
    );
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://daytona');
    const answer = url.pathname.startsWith('/toolbox/') ? answerToolbox : answerApi;
    answer(request, response, url).catch((error: unknown) => {
      const status = error instanceof ApiRefusal ? error.status : 500;
      if (status === 500) console.error('Daytona double:', error);
      const message = error instanceof Error ? error.message : String(error);
      sendJson(response, status, {
        statusCode: status,
        error: 'Error',
        message,
        path: url.pathname,
        timestamp: new Date().toISOString(),
      });
    });
  });
  server.on('upgrade', (request, socket, head) => {
    previews.add(socket);
    socket.on('close', () => previews.delete(socket));
    upgradePreview(world, request, socket, head);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (!isObject(address) || typeof address.port !== 'number') throw new Error('the double has no port');
  origin = `http://127.0.0.1:${address.port}`;

  return {
    url: origin + API,
    apiKey,
    world,
    faults,
    requests,
    problems,
    hold: (passage) => world.transitions.hold(passage),
    behind: {
      async stop(id) {
        const { machine, dto } = world.sandbox(id);
        dto.state = 'stopping';
        await machine.stop();
        dto.state = 'stopped';
      },
      async archive(id) {
        await this.stop(id);
        world.sandbox(id).dto.state = 'archived';
      },
      async delete(id) {
        const { machine } = world.sandbox(id);
        world.sandboxes.delete(id);
        await machine.remove();
      },
      async die(id) {
        await world.sandbox(id).machine.stop();
      },
      fail(id, reason) {
        Object.assign(world.sandbox(id).dto, { state: 'error', errorReason: reason });
      },
      expireTokens(id) {
        world.sandbox(id).previewToken = newToken();
      },
      cutConnections() {
        for (const socket of previews) socket.destroy();
      },
    },
    async close() {
      server.closeAllConnections();
      for (const socket of previews) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await world.end();
    },
  };
}

function findRoute(
  method: string,
  path: string,
): { name: string; route: (typeof ROUTES)[string]; params: string[] } | undefined {
  const given = path.split('/');
  for (const [name, route] of Object.entries(ROUTES)) {
    const [wantedMethod, template = ''] = name.split(' ');
    const wanted = template.split('/');
    const fits = wantedMethod === method && wanted.length === given.length;
    if (fits && wanted.every((part, i) => part === ':' || part === given[i])) {
      const params = given.filter((_, i) => wanted[i] === ':').map(decodeURIComponent);
      return { name, route, params };
    }
  }
  return undefined;
}
