import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ISOLATED_GIT } from '../git.ts';

/**
 * Answers one request of Git's smart HTTP protocol by the real `git http-backend`, a CGI program. Bodies are streamed
 * both ways; gzipped requests and protocol version 2 are its business, it only has to be told of them.
 * @param path of the request after the server's root, as `/owner/name.git/info/refs`
 * @param user who is signed in; without one the backend refuses pushes
 */
export async function serveGit(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  user: string | undefined,
): Promise<void> {
  const { headers } = request;
  const given = {
    REQUEST_METHOD: request.method,
    QUERY_STRING: new URL(request.url ?? '/', 'http://host').search.slice(1),
    PATH_INFO: path,
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    HTTP_GIT_PROTOCOL: headers['git-protocol'],
    GIT_PROTOCOL: headers['git-protocol'],
    REMOTE_USER: user,
    REMOTE_ADDR: '127.0.0.1',
  };
  const env = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      HOME: root,
      ...ISOLATED_GIT,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  response.once('close', () => child.kill());
  // The backend may answer before it has read everything (a refusal); the rest of the body is then of no interest.
  pipeline(request, child.stdin).catch(() => {});
  await sendCgi(child.stdout, response);
}

/** Sends what a CGI program prints: its header lines become the response's head, what follows is streamed. */
async function sendCgi(output: NodeJS.ReadableStream, response: ServerResponse): Promise<void> {
  let pending = Buffer.alloc(0);
  let begun = false;
  for await (const chunk of output) {
    if (begun) {
      if (!response.write(chunk))
        await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
      continue;
    }
    pending = Buffer.concat([pending, typeof chunk === 'string' ? Buffer.from(chunk) : chunk]);
    const end = pending.indexOf('\r\n\r\n');
    if (end === -1) continue;
    writeHead(response, pending.subarray(0, end).toString('latin1'));
    response.write(pending.subarray(end + 4));
    begun = true;
  }
  if (!begun) throw new Error('git http-backend printed no header');
  response.end();
}

function writeHead(response: ServerResponse, head: string): void {
  const headers = Object.fromEntries(
    head.split('\r\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const { status = '200 OK', ...rest } = headers;
  response.writeHead(Number.parseInt(status, 10), rest);
}
