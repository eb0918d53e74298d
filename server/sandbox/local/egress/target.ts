import { isIPv6 } from 'node:net';

/** Whom a client of the proxy asks for. */
export interface Target {
  /** As it was written: `hostName` and `isPublicAddress` judge it. An IPv6 address is without its brackets. */
  host: string;
  port: number;
}

/** Letters of a name or an IPv4 address, no brackets, colon, user or slash; the policy knows better what a name is. */
const AUTHORITY = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,254}))(?::(\d{1,5}))?$/;

/** What `CONNECT host:port` names; undefined for anything that could be read in two ways. */
export function connectTarget(authority: string): Target | undefined {
  const [, , , port] = AUTHORITY.exec(authority) ?? [];
  return port === undefined ? undefined : targetOf(authority, 0);
}

/** What `GET http://host/path` names, and the path to ask that host for. */
export function absoluteTarget(url: string): { target: Target; path: string } | undefined {
  const [, authority, rest = ''] = /^http:\/\/([^/?#]*)([^#]*)/i.exec(url) ?? [];
  const target = authority === undefined ? undefined : targetOf(authority, 80);
  return target && { target, path: rest.startsWith('/') ? rest : `/${rest}` };
}

function targetOf(authority: string, defaultPort: number): Target | undefined {
  const [, v6, name, digits] = AUTHORITY.exec(authority) ?? [];
  const host = v6 ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535 || (v6 !== undefined && !isIPv6(v6))) return undefined;
  return { host, port };
}
