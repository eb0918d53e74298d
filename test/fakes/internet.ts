import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { World } from '../../server/sandbox/local/egress/reach.ts';
import { isPublicAddress } from '../../server/sandbox/network.ts';

/** A little internet on loopback: what the egress process can look up and connect to, and what it did. */
export interface Internet extends World {
  readonly lookups: string[];
  readonly connections: string[];
}

/**
 * @param names addresses by name; of several lists, each look-up gets the next, and the last stays
 * @param servers ports of this machine by `address:port` there
 */
export function internet(names: Record<string, string[][]>, servers: Record<string, number>): Internet {
  const lookups: string[] = [];
  const connections: string[] = [];
  const answers = new Map(Object.entries(names).map(([name, lists]) => [name, [...lists]]));
  return {
    lookups,
    connections,
    async resolve(name) {
      lookups.push(name);
      const lists = answers.get(name) ?? [];
      return (lists.length > 1 ? lists.shift() : lists[0]) ?? [];
    },
    isPublic: isPublicAddress,
    async open(addresses, port): Promise<Socket> {
      connections.push(`${addresses.join(' ')}:${port}`);
      const [server] = addresses.flatMap((address) => servers[`${address}:${port}`] ?? []);
      if (server === undefined) throw new Error('refused');
      const socket = connect({ host: '127.0.0.1', port: server, allowHalfOpen: true });
      await once(socket, 'connect');
      return socket.on('error', () => {});
    },
  };
}
