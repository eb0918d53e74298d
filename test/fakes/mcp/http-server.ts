import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listener, listen, readJsonObject, sendJson } from '../http.ts';

/** An MCP server that is reached by HTTP, for one bearer token. */
export interface FakeMcpServer extends Listener {
  /** What `add` was called with. */
  added: string[];
  /** The authorization that each request came with. */
  authorizations: (string | undefined)[];
  /** Conversations that their client has ended. */
  left: number;
  /** Loses every conversation, as one does that was started again. */
  forget(): void;
}

const object = (name: string) => ({ type: 'object', properties: { [name]: { type: 'string' } } });
const text = (words: string) => ({ content: [{ type: 'text', text: words }] });

const TOOLS = [
  {
    name: 'find',
    description: 'Finds.\u001b[2J',
    inputSchema: object('q'),
    annotations: { readOnlyHint: true },
  },
  { name: 'add', description: 'Adds.', inputSchema: object('text') },
  { name: 'repeat', description: 'Repeats what it was sent.', inputSchema: object('x') },
  { name: 'huge', description: 'Says too much.', inputSchema: object('x') },
  {
    name: 'refuse',
    description: 'Answers with an error that repeats what it was sent.',
    inputSchema: object('x'),
  },
];

/** @param elsewhere where `/moved` leads */
export async function startMcpServer(token: string, elsewhere = ''): Promise<FakeMcpServer> {
  const sessions = new Set<string>();
  const known = { added: [] as string[], authorizations: [] as (string | undefined)[], left: 0 };

  const call = (name: unknown, input: Record<string, unknown>): object => {
    if (name === 'find') return text(`found ${String(input['q'])}`);
    if (name === 'repeat') return text(`I was sent Bearer ${token}.`);
    if (name === 'huge') return text('x'.repeat(10_000_001));
    known.added.push(String(input['text']));
    return text('added');
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    known.authorizations.push(request.headers.authorization);
    if (request.url === '/moved') {
      response.writeHead(307, { location: elsewhere }).end();
      return;
    }
    if (request.headers.authorization !== `Bearer ${token}`) {
      return sendJson(response, 401, { error: `not ${request.headers.authorization}` });
    }
    const id = String(request.headers['mcp-session-id'] ?? '');
    if (request.method === 'GET') return sendJson(response, 405, {});
    const message = request.method === 'POST' ? await readJsonObject(request) : undefined;
    const answer = (result: object, headers = {}): void =>
      sendJson(response, 200, { jsonrpc: '2.0', id: message?.['id'], result }, headers);
    const params = (message?.['params'] ?? {}) as Record<string, unknown>;
    if (message?.['method'] === 'initialize') {
      const session = randomUUID();
      sessions.add(session);
      const { protocolVersion } = params;
      const serverInfo = { name: 'fake', version: '1' };
      const about = { protocolVersion, capabilities: { tools: {} }, serverInfo };
      return answer(about, { 'mcp-session-id': session });
    }
    if (!sessions.has(id)) return sendJson(response, 404, { error: 'no such session' });
    if (request.method === 'DELETE') {
      sessions.delete(id);
      known.left += 1;
      return sendJson(response, 200, {});
    }
    if (message?.['id'] === undefined) {
      response.writeHead(202).end();
      return;
    }
    if (message['method'] === 'tools/list') return answer({ tools: TOOLS });
    if (params['name'] === 'refuse') {
      const error = { code: -32_602, message: `not for Bearer ${token}` };
      return sendJson(response, 200, { jsonrpc: '2.0', id: message['id'], error });
    }
    answer(call(params['name'], (params['arguments'] ?? {}) as Record<string, unknown>));
  }

  const listener = await listen(handle);
  return Object.assign(known, { ...listener, forget: () => sessions.clear() });
}
