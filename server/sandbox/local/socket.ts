import { connect as connectSocket, type Socket } from 'node:net';
import { type Connection, connectOver, lost } from '../supervised/connection.ts';

/** Speaks to the supervisor behind a Unix socket. @throws SandboxError `lost` where nothing answers, or something of another version */
export async function connect(path: string, patience: number): Promise<Connection> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connectSocket(path);
    opening.once('connect', () => resolve(opening));
    opening.once('error', (cause) => reject(lost('The sandbox is not running', cause)));
  });
  return connectOver(socket, patience);
}
