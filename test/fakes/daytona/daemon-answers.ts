import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that the toolbox turns down. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An answer of the toolbox; without a body where there is nothing to say. */
export function sendJson(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(body === undefined ? '' : JSON.stringify(body));
}

export function sendDaemonError(
  response: ServerResponse,
  request: IncomingMessage,
  { status, message }: Refusal,
): void {
  sendJson(response, status, {
    statusCode: status,
    message,
    source: 'DAYTONA_DAEMON',
    path: request.url ?? '/',
    method: request.method ?? 'GET',
    timestamp: new Date().toISOString(),
  });
}
