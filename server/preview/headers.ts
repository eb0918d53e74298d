import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

/**
 * What passes between a browser and a server in a sandbox. The server sees itself at `http://localhost:<port>`, in Host, Origin and
 * Referer alike: development servers refuse other hosts (Vite, webpack, Django, Rails), and many frameworks compare Origin with Host
 * against forgeries. `x-forwarded-host` and `-proto` are left out for that reason: half of them would believe it, and compare with it.
 */

/** The cookies that open a preview, over http and https. `__Host-` keeps other previews below the same domain from setting it. */
export const COOKIE = { http: 'handoff-preview', https: '__Host-handoff-preview' } as const;
const OURS: readonly string[] = Object.values(COOKIE);

/** Of one connection and not of what goes over it (RFC 9110 section 7.6.1). `expect` was answered already. */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings', 'expect'],
]);
/** Nobody but us says where a request came from. */
const FORWARDED = /^(forwarded|x-forwarded-.*|x-real-ip)$/;
/** Would make the browser remember something about a host name that is gone tomorrow. */
const OF_THE_HOST = new Set(['alt-svc', 'strict-transport-security']);

export interface Visited {
  port: number;
  /** Of the preview, as the browser has it. */
  origin: string;
  /** Whether an Authorization header is the relay's own, sent here by mistake. */
  isOwnSecret: (authorization: string) => boolean;
}

/** The headers of a request as the sandbox gets them. */
export function requestHeaders(request: IncomingMessage, visited: Visited): OutgoingHttpHeaders {
  const local = `http://localhost:${visited.port}`;
  const named = namedHops(request.headers.connection);
  const headers: OutgoingHttpHeaders = {};
  for (const [name, values = []] of Object.entries(request.headersDistinct)) {
    if (HOP_BY_HOP.has(name) || named.has(name) || FORWARDED.test(name)) continue;
    if (name === 'authorization' && values.some(visited.isOwnSecret)) continue;
    const kept = name === 'cookie' ? values.map(withoutOurs).filter((value) => value !== '') : values;
    if (kept.length > 0) headers[name] = kept.length === 1 ? kept[0] : kept;
  }
  const { origin, referer } = request.headers;
  headers['host'] = `localhost:${visited.port}`;
  if (origin === visited.origin) headers['origin'] = local;
  if (referer !== undefined && isAt(referer, visited.origin))
    headers['referer'] = local + referer.slice(visited.origin.length);
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? 'unknown';
  return headers;
}

/** The headers of an answer as the browser gets them, in pairs as `rawHeaders` has them. */
export function responseHeaders(
  answer: Pick<IncomingMessage, 'rawHeaders' | 'headers'>,
  port: number,
): string[] {
  const named = namedHops(answer.headers.connection);
  return pairs(answer.rawHeaders).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || OF_THE_HOST.has(lower) || named.has(lower)) return [];
    if (lower === 'location') return [name, hereOf(value, port)];
    if (lower !== 'set-cookie') return [name, value];
    const cookie = hostOnly(value);
    return cookie === undefined ? [] : [name, cookie];
  });
}

/** The value of a cookie in a request, of which browsers send one. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const found = cookies(header ?? '').find((cookie) => cookie.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

function withoutOurs(header: string): string {
  return cookies(header)
    .filter((cookie) => !OURS.includes(cookieName(cookie)))
    .join('; ');
}

const cookies = (header: string): string[] => header.split(';').map((cookie) => cookie.trim());
const cookieName = (cookie: string): string => cookie.split('=', 1)[0]?.trim() ?? '';

/** A cookie for this preview alone; undefined for one that would take the place of ours. */
function hostOnly(cookie: string): string | undefined {
  if (OURS.includes(cookieName(cookie))) return undefined;
  return cookie
    .split(';')
    .filter((part, index) => index === 0 || !/^\s*domain\s*(=|$)/i.test(part))
    .join(';');
}

/** A redirect to the server itself, as it knows itself, is one to the preview; any other stays as it is. */
function hereOf(location: string, port: number): string {
  const target = URL.canParse(location, 'http://elsewhere.invalid')
    ? new URL(location, 'http://elsewhere.invalid')
    : undefined;
  if (target === undefined || !SELF.has(target.hostname) || target.port !== portOf(target.protocol, port))
    return location;
  return target.pathname.replace(/^\/{2,}/, '/') + target.search + target.hash;
}

const SELF = new Set(['localhost', '127.0.0.1', '0.0.0.0', '[::1]', '[::]']);

/** As `URL` has it: empty where it is the scheme's own. */
function portOf(protocol: string, port: number): string {
  const own = { 'http:': 80, 'https:': 443 }[protocol];
  return own === port ? '' : String(port);
}

const isAt = (url: string, origin: string): boolean => url === origin || url.startsWith(`${origin}/`);

/** Headers that `Connection` names are of that connection, too. */
function namedHops(connection: string | undefined): Set<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

function pairs(raw: string[]): Array<readonly [name: string, value: string]> {
  return Array.from(
    { length: raw.length / 2 },
    (_, at) => [raw[2 * at] ?? '', raw[2 * at + 1] ?? ''] as const,
  );
}
