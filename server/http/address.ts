/** Addresses of every interface: one can listen there, but not be addressed by them. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]*:[0:]*$/.test(host);
}

/** A host as it stands in a URL. */
export const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Where this machine reaches what listens on `host`. */
export function reachableHost(host: string): string {
  if (!isWildcard(host)) return urlHost(host);
  return host.includes(':') ? '[::1]' : '127.0.0.1';
}
