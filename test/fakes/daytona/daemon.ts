// What runs in every machine of the double, as in those of the vendor: the toolbox (files, commands, sessions), and the way to ports.
// Argument: the Unix socket to listen at. The machine ends with it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { readJsonObject } from '../http.ts';
import { Refusal, sendDaemonError, sendJson } from './daemon-answers.ts';
import { execute } from './daemon-commands.ts';
import { takeUpload } from './daemon-files.ts';
import { createSessions } from './daemon-sessions.ts';

const sessions = createSessions();

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    const refusal = error instanceof Refusal ? error : new Refusal(500, String(error));
    sendDaemonError(response, request, refusal);
  });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://daemon');
  const route = `${request.method} ${pathname}`;
  if (route === 'GET /user-home-dir' || route === 'GET /work-dir')
    return sendJson(response, 200, { dir: homedir() });
  if (route === 'POST /process/execute') return sendJson(response, 200, await execute(await jsonOf(request)));
  if (route === 'POST /files/bulk-upload') return sendJson(response, 200, await takeUpload(request));
  if (await sessions.answer(route, () => jsonOf(request), response)) return;
  throw new Refusal(404, `no route ${route}`);
}

async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await readJsonObject(request);
  if (body === undefined) throw new Refusal(400, 'the body is no JSON object');
  return body;
}

/** `/proxy/<port>` is a port on this machine's loopback, as the vendor's daemon has it. */
server.on('upgrade', (request, socket, head) => {
  const match = /^\/proxy\/(\d+)(\/.*)?$/.exec(request.url ?? '');
  socket.on('error', () => {});
  if (match === null) {
    socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    return;
  }
  const target = connect({ port: Number(match[1]), host: '127.0.0.1', noDelay: true });
  target.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'));
  target.on('connect', () => {
    const lines: string[] = [];
    for (let at = 0; at < request.rawHeaders.length; at += 2)
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    target.write(`GET ${match[2] ?? '/'} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    target.write(head);
    socket.pipe(target).pipe(socket);
  });
  socket.on('close', () => target.destroy());
  // Ended and not destroyed: what it said last is still on its way.
  target.on('close', () => socket.end());
});

server.listen(process.argv[2]);
