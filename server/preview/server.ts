import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { PreviewAddresses } from './addresses.ts';
import { forward, forwardUpgrade } from './forward.ts';
import { ENTER_PATH, hereOnly, isForeign, targetOf, WAKE_PATH } from './gate.ts';
import { COOKIE, cookieOf } from './headers.ts';
import type { PreviewLinks } from './links.ts';
import type { LiveLinks } from './live.ts';
import * as pages from './pages.ts';
import type { Reach, Reached } from './reach.ts';
import type { Link } from './store.ts';

/**
 * Milliseconds. Requests and answers may be endless; headers must come soon all the same, and are looked after often enough for that
 * to mean something.
 */
const TIMEOUTS = { requestTimeout: 0, headersTimeout: 20_000, connectionsCheckingInterval: 5_000 };
const MAX_HEADERS = 32 << 10;
/** Of all previews at once. */
const MAX_CONNECTIONS = 1_000;

export interface PreviewServerDeps {
  addresses: PreviewAddresses;
  links: PreviewLinks;
  live: LiveLinks;
  reach: Reach;
  /** Something in the task's sandbox was used. */
  onActivity: (taskId: string) => void;
  isOwnSecret: (authorization: string) => boolean;
  now: () => number;
  logger: Logger;
}

/** Who is at the other end of a WebSocket that is asked for. */
interface Upgrade {
  socket: Duplex;
  head: Buffer;
}

/** Serves previews: every host name is another one, and none but the browser that opened a link sees anything under it. */
export function createPreviewServer(deps: PreviewServerDeps): Server {
  const { addresses, links, live, reach, now, logger } = deps;
  const cookieName = addresses.isSecure ? COOKIE.https : COOKIE.http;

  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    upgrade: Upgrade | undefined,
  ): Promise<void> => {
    const show = (page: pages.Page): void => answer(request, response, page);
    const asked = targetOf(request);
    if (asked === undefined) return show(pages.MALFORMED);
    const previewId = addresses.idOf(asked.host);
    if (previewId === undefined) return show(pages.NOTHING);
    const cookie = cookieOf(request.headers.cookie, cookieName);
    const standing = await links.meet(previewId, cookie);

    if (asked.path === ENTER_PATH && request.method === 'GET') {
      if (standing.kind === 'open') return redirect(response, '/');
      const entered = await links.enter(previewId, asked.query);
      if (entered.kind === 'stranger') return show(pages.NOTHING);
      if (entered.cookie === undefined) return show(pages.OVER);
      return redirect(response, '/', cookieFor(entered.link, entered.cookie));
    }
    if (standing.kind === 'stranger') return show(pages.NOTHING);
    if (standing.kind === 'over') return show(pages.OVER);
    const { link } = standing;
    const origin = `${addresses.isSecure ? 'https' : 'http'}://${asked.host.toLowerCase()}`;
    if (isForeign(request, origin)) return show(pages.FOREIGN);
    if (upgrade !== undefined && request.headers.origin === undefined) return show(pages.FOREIGN);
    if (asked.path === WAKE_PATH && request.method === 'POST') {
      reach.wake(link.taskId);
      return redirect(response, hereOnly(new URLSearchParams(asked.query).get('to') ?? '/'));
    }

    const end = live.begin(link, () => request.socket.destroy());
    if (end === undefined) return show(pages.CROWDED);
    (upgrade?.socket ?? response).once('close', end);
    const reached = await reach.connect(link.taskId, link.port);
    if (reached.kind !== 'connected') return show(absent(reached, link, asked.target));
    const { stream } = reached;
    if (request.socket.destroyed) return void stream.destroy();
    deps.onActivity(link.taskId);
    const passing = {
      stream,
      origin,
      port: link.port,
      isOwnSecret: deps.isOwnSecret,
      onFailure: () => show(pages.incomprehensible(link.port)),
    };
    // The connection would stay open behind a request that cannot be sent on.
    response.once('close', () => stream.destroy());
    if (upgrade === undefined) forward(request, response, passing);
    else
      forwardUpgrade(request, response, {
        ...passing,
        ...upgrade,
        onHeard: () => deps.onActivity(link.taskId),
      });
  };

  const cookieFor = ({ expiresAt }: Link, value: string): string => {
    const seconds = Math.max(1, Math.floor((expiresAt - now()) / 1_000));
    const secure = addresses.isSecure ? '; Secure' : '';
    return `${cookieName}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
  };

  const safely = (request: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): void => {
    handle(request, response, upgrade).catch((error: unknown) => {
      // Without the address, which may have the key in it.
      logger.error({ err: error }, 'a preview failed');
      if (response.headersSent) response.destroy();
      else answer(request, response, pages.FAILED);
    });
  };

  const server = createServer({ ...TIMEOUTS, maxHeaderSize: MAX_HEADERS }, (request, response) =>
    safely(request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    response.once('finish', () => request.socket.destroySoon());
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') answer(request, response, pages.MALFORMED);
    else safely(request, response, { socket, head });
  });
  return server;
}

function absent(reached: Exclude<Reached, { kind: 'connected' }>, link: Link, target: string): pages.Page {
  if (reached.kind === 'silent') return pages.silent(link.port);
  if (reached.kind === 'none') return pages.GONE;
  return pages.asleep(reached, `${WAKE_PATH}?to=${encodeURIComponent(target)}`);
}

function answer(request: IncomingMessage, response: ServerResponse, page: pages.Page): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(pages.html(page));
  response.writeHead(page.status, { ...pages.PAGE_HEADERS, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Without the key in it, so that it stays in no history, and goes into no Referer. */
function redirect(response: ServerResponse, path: string, cookie?: string): void {
  response
    .writeHead(303, {
      location: path,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      ...(cookie === undefined ? {} : { 'set-cookie': cookie }),
    })
    .end();
}
