import { lookup } from 'node:dns/promises';
import { BlockList, connect, isIP, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { allows, hostName, isPublicAddress } from '../../network.ts';
import type { NetworkPolicy } from '../../sandbox.ts';
import type { Refusal } from './refusals.ts';
import type { Target } from './target.ts';

/** Milliseconds for a name's addresses, and for a connection to one of them. */
const RESOLVE_PATIENCE = 10_000;
const CONNECT_PATIENCE = 15_000;
/** Milliseconds that one of several addresses has before the next is tried. */
const ADDRESS_PATIENCE = 2_000;

/** The world as the egress process sees it. */
export interface World {
  /** All addresses of a name. */
  resolve(name: string): Promise<string[]>;
  isPublic(address: string): boolean;
  /** A connection to the first of these addresses that takes one; no name is looked up any more. */
  open(addresses: string[], port: number): Promise<Socket>;
}

/** A connection that was not made. `message` is for the client, and says nothing about the other side's network. */
export class Unreached extends Error {
  override readonly name = 'Unreached';
  readonly status: 400 | 403 | 502;
  readonly why: Refusal['why'] | undefined;
  constructor(status: 400 | 403 | 502, message: string, why?: Refusal['why']) {
    super(message);
    this.status = status;
    this.why = why;
  }
}

/**
 * A connection to what the client asks for, as far as the policy goes. The name is resolved once, every address that it has
 * must be public, and the connection is made to one of those that were looked at.
 * @throws Unreached
 */
export async function reach(policy: NetworkPolicy, { host, port }: Target, world: World): Promise<Socket> {
  if (!allows(policy, host, port)) {
    const named = [80, 443].some((served) => allows(policy, host, served));
    throw named ? refusedPort(host, port) : refusedName(host, port);
  }
  const addresses = isIP(host) === 0 ? await addressesOf(hostName(host) ?? host, world) : [host];
  if (!addresses.every((address) => isIP(address) !== 0 && world.isPublic(address))) {
    throw new Unreached(
      403,
      `${host} has an address that is not public. Sandboxes reach no address of this machine or its networks.`,
      'address',
    );
  }
  return world.open(addresses, port).catch(() => {
    throw new Unreached(502, `${host}:${port} takes no connection.`);
  });
}

async function addressesOf(name: string, world: World): Promise<string[]> {
  const addresses = await within(RESOLVE_PATIENCE, world.resolve(name)).catch(() => []);
  if (addresses.length > 0) return addresses;
  throw new Unreached(502, `${name} has no address, or none that could be found now.`);
}

function refusedName(host: string, port: number): Unreached {
  const advice = `Whoever runs the relay allows it by HANDOFF_NETWORK; a repository that lists domains in .handoff/config.json lists it there, too.`;
  return new Unreached(403, `This sandbox may not reach ${host} (port ${port}). ${advice}`, 'name');
}

function refusedPort(host: string, port: number): Unreached {
  return new Unreached(
    403,
    `This sandbox may reach ${host} on ports 80 and 443, not ${port}: HANDOFF_NETWORK lists names for HTTP and HTTPS.`,
    'port',
  );
}

async function within<Value>(patience: number, work: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('timeout')), patience);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

/** The real one: the resolver of this machine, and its network. */
export const thisWorld: World = {
  resolve: async (name) => (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address),
  isPublic: (address) => isPublicAddress(address) && !isOwnAddress(address),
  open: openFirst,
};

/** A machine with a public address of its own serves more there than it means to show its sandboxes. */
function isOwnAddress(address: string): boolean {
  const own = new BlockList();
  for (const one of Object.values(networkInterfaces()).flatMap((list) => list ?? []))
    own.addAddress(one.address, one.family === 'IPv4' ? 'ipv4' : 'ipv6');
  return own.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

function openFirst(addresses: string[], port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      // Not a name of anything: `lookup` answers with what was checked, and nothing else is asked.
      host: 'checked',
      port,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_PATIENCE,
      allowHalfOpen: true,
      noDelay: true,
      lookup: (_name, _options, answer) =>
        answer(
          null,
          addresses.map((address) => ({ address, family: isIP(address) })),
        ),
    });
    const timer = setTimeout(() => socket.destroy(new Error('timeout')), CONNECT_PATIENCE);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      // Whoever takes it listens from now on; until then a failure shows in its being destroyed.
      socket.on('error', () => {});
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
