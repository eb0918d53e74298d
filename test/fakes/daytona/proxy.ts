import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Contract } from './contract.ts';
import type { SandboxRecord } from './records.ts';
import type { World } from './world.ts';

/** Passes a request of the toolbox on to the machine's daemon, and its answer back. */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  to: { socket: string; path: string },
  contract: { toolbox: Contract; problem(text: string): void },
): Promise<void> {
  const { method = 'GET' } = request;
  return new Promise((resolve) => {
    const passed = httpRequest(
      { socketPath: to.socket, path: to.path, method, headers: request.headers },
      (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => {
          const text = Buffer.concat(pieces).toString('utf8');
          const status = answer.statusCode ?? 502;
          const path = new URL(to.path, 'http://daemon').pathname;
          const body: unknown = text === '' ? undefined : JSON.parse(text);
          for (const problem of contract.toolbox.check({ method, path }, status, body))
            contract.problem(problem);
          response.writeHead(status, answer.headers);
          response.end(text);
          resolve();
        });
      },
    );
    passed.on('error', () => {
      if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<html><h1>502 Bad Gateway</h1></html>');
      resolve();
    });
    request.pipe(passed);
  });
}

const PREVIEW = /^\/preview\/(\d+)-([^/?]+)(.*)$/;

/** A WebSocket to a port of a machine: through the same daemon, for whoever has the sandbox's token of now. */
export function upgradePreview(world: World, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => {});
  const refuse = (status: string): void => {
    socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
  };
  const [, port, id = '', path] = PREVIEW.exec(request.url ?? '') ?? [];
  const record = world.sandboxes.get(id);
  const refusal = refusalOf(record, request.headers['x-daytona-preview-token']);
  if (record === undefined || refusal !== undefined) {
    refuse(refusal ?? '404 Not Found');
    return;
  }
  const daemon = connect({ path: record.machine.socket });
  daemon.on('error', () => refuse('502 Bad Gateway'));
  daemon.on('connect', () => {
    const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
    daemon.write(`GET /proxy/${port}${path || '/'} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    daemon.write(head);
    socket.pipe(daemon).pipe(socket);
  });
  socket.on('close', () => daemon.destroy());
  // Ended and not destroyed: what it said last is still on its way.
  daemon.on('close', () => socket.end());
}

/** Who has no token is sent to log in, as browsers want it. */
function refusalOf(record: SandboxRecord | undefined, token: unknown): string | undefined {
  if (record === undefined) return '404 Not Found';
  if (token === undefined) return '307 Temporary Redirect';
  if (token !== record.previewToken) return '401 Unauthorized';
  return record.dto.state === 'started' ? undefined : '400 Bad Request';
}
