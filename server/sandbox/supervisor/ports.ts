import fs from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { SandboxError } from '../sandbox.ts';
import { OWN_PORTS } from '../supervised/own-ports.ts';

/** Milliseconds for a server whose queue of connections is full. */
const CONNECT_PATIENCE = 10_000;
/** Connections to ports at once, of one relay. */
export const MAX_CHANNELS = 256;

/** `st` of a socket that listens, in /proc/net/tcp. */
const LISTENING = '0A';
/** Local addresses there (words in the byte order of the machine) by which loopback is reached: 0.0.0.0, 127.0.0.1; ::, ::1, both of IPv4 in IPv6. */
const REACHABLE = new Set([
  '00000000',
  '0100007F',
  '00000000000000000000000000000000',
  '00000000000000000000000001000000',
  '0000000000000000FFFF000000000000',
  '0000000000000000FFFF00000100007F',
]);

/** Ports on which something listens that `joinPort` reaches, ascending. */
export async function listeningPorts(): Promise<number[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readTable));
  return portsOf(tables.join('\n'));
}

/** @param table as the kernel prints /proc/net/tcp and tcp6 */
export function portsOf(table: string): number[] {
  const ports = table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    return state === LISTENING && REACHABLE.has(address) ? [Number.parseInt(port, 16)] : [];
  });
  return [...new Set(ports)].filter((port) => !OWN_PORTS.has(port)).sort((a, b) => a - b);
}

async function readTable(path: string): Promise<string> {
  try {
    return await fs.readFile(path, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''; // A kernel without IPv6.
    throw error;
  }
}

/**
 * Joins a channel to a port on loopback; either's end is passed on to the other.
 * @throws SandboxError `not-found` where nothing listens, `busy` where it takes no connection
 */
export async function joinPort(port: number, channel: Duplex): Promise<void> {
  if (OWN_PORTS.has(port)) throw silent(port);
  const socket = (await connectTo('127.0.0.1', port, channel)) ?? (await connectTo('::1', port, channel));
  if (socket === undefined) throw silent(port);
  const over = (): void => {};
  // What breaks one of the two is passed on by `pipeline` itself.
  pipeline(socket, channel, over);
  pipeline(channel, socket, over);
}

/** Undefined where nothing listens. The channel's end is the end of trying. */
async function connectTo(host: string, port: number, channel: Duplex): Promise<Socket | undefined> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  const abandon = (): void => void socket.destroy();
  channel.once('close', abandon);
  const timer = setTimeout(() => socket.destroy(new Error('timeout')), CONNECT_PATIENCE);
  try {
    return await new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(socket));
      socket.once('close', () => reject(takesNone(port)));
      socket.once('error', (error) => {
        const refused = 'code' in error && REFUSED.has(String(error.code));
        if (refused) resolve(undefined);
        else reject(takesNone(port, error));
      });
    });
  } finally {
    clearTimeout(timer);
    channel.off('close', abandon);
  }
}

const REFUSED = new Set(['ECONNREFUSED', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH']);

const silent = (port: number): SandboxError =>
  new SandboxError('not-found', `Nothing listens on port ${port} of the sandbox.`);
const takesNone = (port: number, cause?: Error): SandboxError =>
  new SandboxError('busy', `What listens on port ${port} of the sandbox takes no connection.`, { cause });
