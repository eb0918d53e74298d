import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from './postgres-process.ts';

/** On how many ports it is tried: each was free a moment before. */
const MOST_PORTS = 3;

/**
 * Starts something on a port that is free. Between being found and being taken a port is anybody's: where `start` fails and somebody else
 * has it by then, another port is tried.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>, find = freePort): Promise<T> {
  for (let tries = 1; ; tries++) {
    const port = await find();
    try {
      return await start(port);
    } catch (error) {
      if (tries === MOST_PORTS || (await isFree(port))) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const isListening = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}
