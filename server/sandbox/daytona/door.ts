import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { SandboxError } from '../sandbox.ts';
import { KEY_HEADER, streamOver, WEBSOCKET_OPTIONS } from '../supervisor/websocket-stream.ts';

/** The way to the supervisor of a machine: through the vendor, who asks for `token`, to the supervisor, which asks for `key`. */
export interface Door {
  url: string;
  token: string;
  key: string;
}

/**
 * Opens a connection.
 * @param patience milliseconds
 * @throws SandboxError `busy`; the token may have expired, the machine have stopped or its supervisor have ended
 */
export async function openDoor({ url, token, key }: Door, patience: number): Promise<Duplex> {
  const websocket = new WebSocket(url.replace(/^http/, 'ws'), {
    ...WEBSOCKET_OPTIONS,
    handshakeTimeout: patience,
    headers: {
      'x-daytona-preview-token': token,
      'x-daytona-skip-preview-warning': 'true',
      [KEY_HEADER]: key,
    },
  });
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    websocket.on('error', (error) => reject(shut(error.message)));
    websocket.on('upgrade', (response) => {
      socket = response.socket;
    });
    websocket.on('open', () => {
      if (socket === undefined) reject(shut('it has no socket'));
      else resolve(streamOver(websocket, socket.setNoDelay(true)));
    });
  });
}

function shut(why: string): SandboxError {
  return new SandboxError('busy', `The sandbox at Daytona cannot be reached (${why}).`, {
    nextAction: 'Try again in a minute.',
  });
}
