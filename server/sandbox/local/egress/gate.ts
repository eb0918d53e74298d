import { once } from 'node:events';
import fs from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { NetworkPolicy, PortForward } from '../../sandbox.ts';
import { PRESENCE_SOCKET } from '../../supervised/egress-folder.ts';
import { EGRESS_PROXY_PORT } from '../../supervised/own-ports.ts';
import { withFewLookups } from './lookups.ts';
import { forwardsOf, hasProxy } from './policy.ts';
import { join, proxyServer } from './proxy.ts';
import type { World } from './reach.ts';
import { type Refusal, refusalLog } from './refusals.ts';

/** Connections of one sandbox at once, to everything together. */
export const MAX_CONNECTIONS = 256;
/** Milliseconds after which a connection on which nothing moves is cut. */
const IDLE_CONNECTION = 10 * 60_000;

/** The sockets by which one sandbox, and no other, leaves: who speaks is known by where it speaks. */
export interface Gate {
  readonly policy: NetworkPolicy;
  /** When its last connection ended, or it was opened, by `performance.now()`; undefined while there is one. */
  idleSince(): number | undefined;
  /** Somebody is about to use it. */
  touch(): void;
  /** Whether its sockets are still where the sandbox finds them. */
  stands(): boolean;
  refusals(): Refusal[];
  /** Cuts all connections and removes the sockets. */
  close(): void;
}

/** @param folder where the sockets go; theirs alone */
export async function openGate(folder: string, policy: NetworkPolicy, world: World): Promise<Gate> {
  const refusals = refusalLog();
  const open = new Set<Socket>();
  let idleSince: number | undefined = performance.now();

  /** Counts a connection in. One beyond the limit is cut. */
  const admit = (socket: Socket): boolean => {
    socket.on('error', () => socket.destroy());
    if (open.size >= MAX_CONNECTIONS) {
      refusals.note({ host: '', port: 0, why: 'connections' });
      socket.destroy();
      return false;
    }
    open.add(socket);
    idleSince = undefined;
    socket.once('close', () => {
      open.delete(socket);
      if (open.size === 0) idleSince = performance.now();
    });
    return true;
  };

  const servers = new Map<string, Server>();
  const presence = createServer((socket) => {
    if (admit(socket)) socket.resume();
  });
  servers.set(PRESENCE_SOCKET, presence);
  if (hasProxy(policy)) {
    const rules = { policy, world: withFewLookups(world), refusals, idleMs: IDLE_CONNECTION };
    const proxy = proxyServer(rules);
    proxy.on('connection', (socket: Socket) => void admit(socket));
    servers.set(String(EGRESS_PROXY_PORT), proxy);
  }
  for (const forward of forwardsOf(policy)) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      if (admit(socket)) passTo(forward.to, socket);
    });
    servers.set(String(forward.port), server);
  }

  const fd = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  /** Which file each socket is: another process may serve this sandbox by now. */
  const inodes = new Map<string, number>();
  const stands = (name: string): boolean =>
    inodes.get(name) === fs.statSync(`${folder}/${name}`, { throwIfNoEntry: false })?.ino;
  const close = (): void => {
    for (const [name, server] of servers) {
      server.close();
      if (stands(name)) fs.rmSync(`${folder}/${name}`, { force: true });
    }
    for (const socket of open) socket.destroy();
    fs.closeSync(fd);
  };
  try {
    for (const name of fs.readdirSync(folder))
      fs.rmSync(`${folder}/${name}`, { force: true, recursive: true });
    for (const [name, server] of servers) inodes.set(name, await listenAt(fd, name, server));
  } catch (error) {
    close();
    throw error;
  }
  return {
    policy,
    idleSince: () => idleSince,
    touch: () => {
      if (idleSince !== undefined) idleSince = performance.now();
    },
    stands: () => [...servers.keys()].every(stands),
    refusals: () => refusals.list(),
    close,
  };
}

/**
 * Listens in a folder however long its path is: by way of its descriptor. libuv removes the path that it was told when it
 * closes, and by then that may be another process's socket: it is told one that is renamed.
 * @returns the inode of the socket
 */
export async function listenAt(folder: number, name: string, server: Server): Promise<number> {
  const path = `/proc/self/fd/${folder}/${name}`;
  fs.rmSync(`${path}.new`, { force: true });
  server.listen(`${path}.new`);
  await once(server, 'listening');
  fs.renameSync(`${path}.new`, path);
  return fs.statSync(path).ino;
}

/** To the server that the relay's owner named, and to no other: this one may well be private. */
function passTo(to: PortForward['to'], socket: Socket): void {
  const upstream = connect({ ...to, allowHalfOpen: true, noDelay: true, autoSelectFamily: true });
  join(socket, upstream);
}
