import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Somebody who waits for what leaves a sandbox: on every address of this machine, over TCP, UDP and a socket without a path. */
export interface Catcher {
  /** Of TCP and UDP alike. */
  port: number;
  /** The name of the socket without a path (abstract), without its leading NUL. */
  socket: string;
  /** What came, each with how: a connection counts also where nothing is said. */
  caught: string[];
  close(): Promise<void>;
}

export async function startCatcher(): Promise<Catcher> {
  const caught: string[] = [];
  const open = new Set<Socket>();
  const listening = (how: string): Server =>
    createServer((socket) => {
      open.add(socket.once('close', () => open.delete(socket)).on('error', () => {}));
      caught.push(`${how}: connected`);
      socket.on('data', (data) => {
        caught.push(`${how}: ${data.toString('latin1')}`);
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok');
      });
    });
  const tcp = listening('tcp').listen(0, '::');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp6', (data) => void caught.push(`udp: ${data.toString('latin1')}`)).bind(
    port,
    '::',
  );
  await once(udp, 'listening');
  const socket = `handoff-catcher-${port}`;
  const local = listening('socket').listen(`\0${socket}`);
  await once(local, 'listening');
  return {
    ...{ port, socket, caught },
    async close() {
      for (const one of open) one.destroy();
      await Promise.all([tcp, local].map((server) => new Promise((resolve) => server.close(resolve))));
      await new Promise<void>((resolve) => udp.close(resolve));
    },
  };
}
