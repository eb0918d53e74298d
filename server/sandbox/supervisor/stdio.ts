// The way from a relay to the supervisor of a container: run inside by `docker exec -i`, it joins its own input and output to the
// supervisor's socket, and ends with either. Argument: how long (ms) a supervisor that is still starting is waited for.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SOCKET } from '../container/places.ts';

const PACE = 10;

const deadline = performance.now() + Number(process.argv[2] ?? 0);

function tryToConnect(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(SOCKET);
    socket.once('connect', () => resolve(socket)).once('error', reject);
  });
}

async function connected(): Promise<Socket> {
  for (;;) {
    try {
      return await tryToConnect();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(PACE);
    }
  }
}

const socket = await connected();
process.stdin.pipe(socket);
socket.pipe(process.stdout);
const end = (): void => process.exit(0);
// Whoever is at the other end of either has gone; there is nobody to tell.
socket.on('close', end).on('error', end);
process.stdin.on('error', end).on('close', end);
process.stdout.on('error', end);
