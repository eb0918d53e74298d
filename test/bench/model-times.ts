import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** When the model's requests arrived and its answers ended, in milliseconds of `performance.now()`. */
export interface ModelTimes {
  /** Arrival of each request: its headers, before anything of it is parsed. */
  asked: number[];
  /** End of each answer: handed to the system. */
  answered: number[];
  /** Bytes of the request bodies so far. */
  bytes(): number;
  /** Forgets what was seen. */
  clear(): void;
  close(): void;
}

const ROUTE = '/v1/chat/completions';

/** Watches the fake models of this process from Node's own HTTP server, so that their own work is not counted. */
export function watchModels(): ModelTimes {
  const asked: number[] = [];
  const answered: number[] = [];
  let bytes = 0;
  const onStart = (message: unknown): void => {
    const at = performance.now();
    const { request } = message as { request: IncomingMessage };
    if (request.url !== ROUTE) return;
    asked.push(at);
    bytes += Number(request.headers['content-length'] ?? 0);
  };
  const onFinish = (message: unknown): void => {
    const at = performance.now();
    const { request } = message as { request: IncomingMessage; response: ServerResponse };
    if (request.url === ROUTE) answered.push(at);
  };
  subscribe('http.server.request.start', onStart);
  subscribe('http.server.response.finish', onFinish);
  return {
    asked,
    answered,
    bytes: () => bytes,
    clear() {
      asked.length = 0;
      answered.length = 0;
      bytes = 0;
    },
    close() {
      unsubscribe('http.server.request.start', onStart);
      unsubscribe('http.server.response.finish', onFinish);
    },
  };
}

/** From the end of each answer to the arrival of the next request: what the harness itself takes for a step. */
export function overheads({ asked, answered }: Pick<ModelTimes, 'asked' | 'answered'>): number[] {
  return answered.slice(0, asked.length - 1).map((end, k) => (asked[k + 1] ?? NaN) - end);
}
