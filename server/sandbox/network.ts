import { BlockList, isIP } from 'node:net';
import type { NetworkPolicy } from './sandbox.ts';

const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^(${LABEL}\\.)*${LABEL}$`);
/** A name whose last label is a number is an address in one of its many spellings (127.1, 0x7f.1, 2130706433): URL standard, "ends in a number". */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/;
/** The whole of a DNS name, in characters. */
const MAX_NAME = 253;

/** What an HTTP proxy serves where names are listed. */
const WEB_PORTS = [80, 443];

/** Whether `text` may stand in a list of allowed domains: a host name in lower case, or `*.` and one, for every name below it. */
export function isDomainPattern(text: string): boolean {
  const name = text.startsWith('*.') ? text.slice(2) : text;
  return text.length <= MAX_NAME && NAME.test(name) && !ENDS_IN_NUMBER.test(name);
}

/**
 * The one spelling of a host name: lower case, without the final dot. Undefined for what is none: addresses, and letters
 * beyond ASCII, of which programs make different names; `xn--` names are written out.
 */
export function hostName(text: string): string | undefined {
  // Looked at before lower case, which turns the Kelvin sign into an ASCII k.
  if (!/^[\x21-\x7e]+$/.test(text)) return undefined;
  const name = text.toLowerCase().replace(/\.$/, '');
  return isDomainPattern(name) && !name.startsWith('*') ? name : undefined;
}

/** Whether a sandbox may ask for this host by HTTP proxy. Its addresses must be public besides: `isPublicAddress`. */
export function allows(policy: NetworkPolicy, host: string, port: number): boolean {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return false;
  const name = hostName(host);
  switch (policy.mode) {
    case 'none':
      return false;
    case 'allow-list':
      return (
        name !== undefined &&
        WEB_PORTS.includes(port) &&
        policy.domains.some((pattern) => covers(pattern, name))
      );
    case 'open':
      return name !== undefined || isIP(host) !== 0;
  }
}

/**
 * What a repository gets of what the relay's owner allows: less where it asks for less, never more.
 * @param wanted patterns; absent, it asks for all of it
 * @returns the policy, and what was asked for in vain
 */
export function narrow(
  owner: NetworkPolicy,
  wanted: readonly string[] | undefined,
): { policy: NetworkPolicy; refused: string[] } {
  if (wanted === undefined) return { policy: owner, refused: [] };
  const permitted = (pattern: string): boolean =>
    isDomainPattern(pattern) &&
    (owner.mode === 'open' ||
      (owner.mode === 'allow-list' && owner.domains.some((allowed) => covers(allowed, pattern))));
  const spelled = [...new Set(wanted.map((pattern) => pattern.toLowerCase().replace(/\.$/, '')))];
  const domains = spelled.filter(permitted);
  const refused = spelled.filter((pattern) => !permitted(pattern));
  const forwards = owner.mode === 'open' || owner.forwards === undefined ? {} : { forwards: owner.forwards };
  const policy: NetworkPolicy =
    domains.length === 0 ? { mode: 'none', ...forwards } : { mode: 'allow-list', domains, ...forwards };
  return { policy, refused };
}

/** Whether every name that `wanted` stands for is one that `allowed` stands for. */
function covers(allowed: string, wanted: string): boolean {
  if (allowed === wanted) return true;
  return allowed.startsWith('*.') && wanted.replace(/^\*/, '').endsWith(allowed.slice(1));
}

/** Of the IANA registry of special addresses: what is not reachable from everywhere, and what ends where nobody can tell. */
const NOT_PUBLIC_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];
/** Of 2000::/3: protocol assignments (Teredo, benchmarks, ORCHID), documentation, 6to4. */
const NOT_PUBLIC_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];
/** Prefixes behind which an IPv4 address is meant, and judged: IPv4-mapped, and the well-known one of NAT64. */
const V4_IN_V6 = ['::ffff:', '64:ff9b::'];

const subnets = (family: 'ipv4' | 'ipv6', list: string[]): BlockList => {
  const blocks = new BlockList();
  for (const subnet of list) {
    const [net = '', bits = ''] = subnet.split('/');
    blocks.addSubnet(net, Number(bits), family);
  }
  return blocks;
};
const embedded = (list: string[]): string[] =>
  V4_IN_V6.flatMap((prefix) =>
    list.map((subnet) => {
      const [net = '', bits = ''] = subnet.split('/');
      return `${prefix}${net}/${96 + Number(bits)}`;
    }),
  );

const REFUSED_V4 = subnets('ipv4', NOT_PUBLIC_V4);
const GLOBAL_V6 = subnets('ipv6', ['2000::/3', ...embedded(['0.0.0.0/0'])]);
const REFUSED_V6 = subnets('ipv6', [...NOT_PUBLIC_V6, ...embedded(NOT_PUBLIC_V4)]);

/** Whether an address is one of the public internet: none of this host, its networks, its cloud's metadata, nor one of no use. */
export function isPublicAddress(ip: string): boolean {
  if (ip.includes('%')) return false; // A zone: an address of one interface.
  const family = isIP(ip);
  if (family === 4) return !REFUSED_V4.check(ip, 'ipv4');
  return family === 6 && GLOBAL_V6.check(ip, 'ipv6') && !REFUSED_V6.check(ip, 'ipv6');
}
