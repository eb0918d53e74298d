import type { IncomingMessage } from 'node:http';

/**
 * Paths of Handoff's own under every preview, which its server never gets. The key is the whole query, without a name: editors that
 * open an address may encode the `=` in it.
 */
export const ENTER_PATH = '/.handoff/open';
export const WAKE_PATH = '/.handoff/wake';

/**
 * The request's target where it has one meaning: one Host, and a path. Proxies that disagree about these are how requests are
 * smuggled; browsers send neither.
 */
export function targetOf(
  request: IncomingMessage,
): { host: string; target: string; path: string; query: string } | undefined {
  const { host = [] } = request.headersDistinct;
  const target = request.url ?? '';
  const [path = ''] = target.split('?', 1);
  return host.length === 1 && host[0] && target.startsWith('/')
    ? { host: host[0], target, path, query: target.slice(path.length + 1) }
    : undefined;
}

/**
 * Whether another page asks: another preview on the same domain, whose requests carry this one's cookie. To be led here by a link is
 * no harm; to be read, posted to, framed or connected to is.
 * @param origin the preview's own, as its browser has it
 */
export function isForeign(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  origin: string,
): boolean {
  const site = headers['sec-fetch-site'];
  // Forms of a page with the policy `no-referrer` say `null`, and scripts cannot forge the other header.
  const hidesItself = headers.origin === 'null' && site === 'same-origin';
  if (headers.origin !== undefined && headers.origin !== origin && !hidesItself) return true;
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  const isLed = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !(isLed && (method === 'GET' || method === 'HEAD'));
}

/** Where to go after something was done: a path of the preview itself. */
export function hereOnly(path: string): string {
  const base = 'http://here.invalid';
  const url = URL.canParse(path, base) ? new URL(path, base) : undefined;
  if (url?.origin !== base || url.pathname.startsWith('//')) return '/';
  return url.pathname + url.search;
}
