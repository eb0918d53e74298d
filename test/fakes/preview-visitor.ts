import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A browser's part in a preview, over real HTTP; `<id>.localhost` is not looked up, but connected to on loopback. */
export interface Visitor {
  /** `<id>.localhost:<port>` */
  host: string;
  /** What opens the preview from now on, as it is sent. */
  cookie: string;
  /** Where previews are served. */
  port: number;
}

export interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Follows a link as the relay gave it. */
export async function enter(url: string): Promise<Visitor> {
  const { host, port, pathname, search } = new URL(url);
  const entered = await send(Number(port), pathname + search, { headers: { host } });
  const [cookie = ''] = entered.headers['set-cookie']?.[0]?.split(';') ?? [];
  return { host, cookie, port: Number(port) };
}

/** One request over a connection of its own, with exactly these headers. */
export function send(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      buffer(response).then(
        (data) =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: String(data) }),
        reject,
      );
    });
    sent.on('error', reject).end(body);
  });
}

/** The same as the browser that opened the preview. */
export const ask = (
  { host, cookie, port }: Visitor,
  path: string,
  options: Parameters<typeof send>[2] = {},
): Promise<Got> => send(port, path, { ...options, headers: { host, cookie, ...options.headers } });

/** Sends bytes as they are, and answers all that comes back until the other side is done. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(bytes, 'latin1');
  return String(await buffer(socket).catch((error: Error) => `broken: ${error.message}`));
}
