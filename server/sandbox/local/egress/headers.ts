/** Headers of one connection and not of the message (RFC 9110, 7.6.1), those that frame its body, and what proxies are told. */
const OF_THE_CONNECTION = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
]);

/**
 * The headers of a message that are passed on, as name, value, name, value. What `Connection` names is left out, but for
 * the body's length: without it the next message would begin where the sender likes.
 */
export function passedOn(raw: readonly string[], leftOut: readonly string[] = []): string[] {
  const fields = pairs(raw);
  const named = fields
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(','))
    .map((name) => name.trim())
    .filter((name) => name !== 'content-length');
  const dropped = new Set([...OF_THE_CONNECTION, ...named, ...leftOut]);
  return fields.filter(([name]) => !dropped.has(name.toLowerCase())).flat();
}

function pairs(raw: readonly string[]): Array<[name: string, value: string]> {
  return Array.from({ length: raw.length / 2 }, (_, index) => [
    raw[2 * index] ?? '',
    raw[2 * index + 1] ?? '',
  ]);
}
