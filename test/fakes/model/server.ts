import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Listener, listen, readJsonObject, sendJson } from '../http.ts';
import { chunksOf, completionOf } from './chunks.ts';
import { type ChatRequest, InvalidRequest, parseChatRequest } from './request.ts';
import { chooseStep, conversationOf, type Fault, isFault, type Reply, type Scenario } from './script.ts';

export interface FakeModelOptions {
  scenario: Scenario;
  /** The bearer key that is asked for. */
  apiKey?: string;
  /** What `GET /models` lists; a request for any other is answered 404. Absent: one model, and any name is served. */
  models?: string[];
  /** Milliseconds before each streamed piece of replies that do not say themselves. */
  delayMs?: number;
  port?: number;
}

export interface FakeModel extends Listener {
  /** The base URL of the API, with `/v1`: what a client is configured with. */
  url: string;
  apiKey: string;
  /** Every well-formed request that came, in order, whatever it was answered. */
  requests: ChatRequest[];
  /** Resolves with the n-th request (from 1), now or when it comes. */
  waitForRequest(n: number): Promise<ChatRequest>;
  /** Follows another scenario from the next request on; the faults that were met are forgotten. */
  use(scenario: Scenario): void;
}

/** The part of an answer's life that the client decides. */
type Connection = { response: ServerResponse; gone: AbortSignal };

/** A chat-completions API that says what a script says. */
export async function startFakeModel(options: FakeModelOptions): Promise<FakeModel> {
  const { apiKey = 'sk-fake', models, delayMs = 0 } = options;
  let { scenario } = options;
  const requests: ChatRequest[] = [];
  const waiting: { n: number; resolve: (request: ChatRequest) => void }[] = [];
  const faultsMet = new Map<string, number>();

  const record = (request: ChatRequest) => {
    const n = requests.push(request);
    for (const waiter of waiting) if (waiter.n === n) waiter.resolve(request);
  };

  /** The reply or fault for this request; each of a reply's `faults` is met once in a conversation. */
  const decide = async (request: ChatRequest): Promise<{ reply: Reply; fault: Fault | undefined }> => {
    const { step, index } = chooseStep(scenario, request);
    const answer = typeof step === 'function' ? await step(request) : step;
    if (isFault(answer)) return { reply: answer.fault === 'cut' ? answer : {}, fault: answer };
    const key = `${conversationOf(request)}:${index}`;
    const met = faultsMet.get(key) ?? 0;
    const fault = answer.faults?.[met];
    if (fault !== undefined) faultsMet.set(key, met + 1);
    return { reply: answer, fault };
  };

  const complete = async (message: IncomingMessage, connection: Connection) => {
    const request = parseChatRequest(await readJsonObject(message));
    record(request);
    if (models !== undefined && !models.includes(request.model)) {
      const error = apiError(
        `The model \`${request.model}\` does not exist or you do not have access to it.`,
      );
      return sendJson(connection.response, 404, error);
    }
    const { reply, fault } = await decide(request);
    if (fault !== undefined && fault.fault !== 'cut') return answerFault(connection, request, fault);
    if (!request.stream && fault === undefined)
      return sendJson(connection.response, 200, completionOf(request, reply));
    const chunks = chunksOf(request, reply);
    return stream(connection, chunks, reply.delayMs ?? delayMs, fault?.afterChunks);
  };

  const listener = await listen(async (message, response) => {
    const connection = { response, gone: abortedWith(response) };
    if (message.headers.authorization !== `Bearer ${apiKey}`)
      return sendJson(response, 401, apiError('Incorrect API key provided.', 'invalid_api_key'));
    if (message.method === 'GET' && message.url === '/v1/models')
      return sendJson(response, 200, {
        object: 'list',
        data: (models ?? ['fake-model']).map((id) => ({ id, object: 'model', created: 0, owned_by: 'fake' })),
      });
    if (message.method !== 'POST' || message.url !== '/v1/chat/completions')
      return sendJson(response, 404, apiError(`Invalid URL (${message.method} ${message.url})`));
    try {
      await complete(message, connection);
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error;
      sendJson(response, 400, apiError(error.message));
    }
  }, options.port);

  return {
    url: `${listener.url}/v1`,
    apiKey,
    requests,
    close: listener.close,
    waitForRequest: (n) => {
      const there = requests[n - 1];
      if (there !== undefined) return Promise.resolve(there);
      return new Promise((resolve) => waiting.push({ n, resolve }));
    },
    use: (next) => {
      scenario = next;
      faultsMet.clear();
    },
  };
}

const apiError = (message: string, code: string | null = null) => ({
  error: { message, type: 'invalid_request_error', param: null, code },
});

function abortedWith(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

async function answerFault(
  { response, gone }: Connection,
  request: ChatRequest,
  fault: Exclude<Fault, { fault: 'cut' }>,
): Promise<void> {
  switch (fault.fault) {
    case 'status': {
      const retry = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
      return sendJson(
        response,
        fault.status,
        fault.body ?? apiError(`The provider answered ${fault.status}.`),
        retry,
      );
    }
    case 'html':
      response.writeHead(fault.status ?? 502, { 'content-type': 'text/html' });
      response.end('<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>');
      return;
    case 'empty':
      if (request.stream) return stream({ response, gone }, [{ id: 'chatcmpl-empty', choices: [] }], 0);
      return sendJson(response, 200, { id: 'chatcmpl-empty', object: 'chat.completion', choices: [] });
    case 'hang':
      if (!gone.aborted) await once(gone, 'abort');
  }
}

/** Server-sent events, one a piece, then `[DONE]`; or a destroyed socket after `cutAfter` pieces. Ends when the client has gone. */
async function stream(
  { response, gone }: Connection,
  chunks: object[],
  delayMs: number,
  cutAfter?: number,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  response.flushHeaders();
  for (const chunk of chunks.slice(0, cutAfter)) {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: gone }).catch(() => {});
    if (gone.aborted) return;
    await new Promise((resolve) => response.write(`data: ${JSON.stringify(chunk)}\n\n`, resolve));
  }
  if (cutAfter !== undefined) response.destroy();
  else response.end('data: [DONE]\n\n');
}
