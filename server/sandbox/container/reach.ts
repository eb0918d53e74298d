import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { Duplex } from 'node:stream';
import { type Connection, connectOver, lost } from '../supervised/connection.ts';
import type { Engine } from './engine.ts';
import { PROGRAMS } from './places.ts';

/** Characters of the bridge's last words that go into an error. */
const COMPLAINT = 600;
/** Milliseconds that a bridge has for ending by itself, so that nothing of it is left inside. */
const FAREWELL = 1_000;

/**
 * Speaks to the supervisor of a running container.
 * @param patience milliseconds for a supervisor that is still starting
 * @throws SandboxError `lost` where nothing answers, or something of another version
 */
export async function connectTo(
  engine: Engine,
  container: string,
  node: string,
  patience: number,
): Promise<Connection> {
  const bridge = engine.start(['exec', '--interactive', container, node, PROGRAMS.bridge, String(patience)]);
  let complaint = '';
  bridge.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-COMPLAINT);
  });
  try {
    return await connectOver(joined(bridge), patience);
  } catch (error) {
    throw complaint === '' ? error : lost(`The sandbox cannot be reached: ${complaint.trim()}`, error);
  }
}

/** Both ends of a process as one stream, which ends with the process, and the process with it. */
export function joined(child: ChildProcessWithoutNullStreams): Duplex {
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.once('error', (error) => stream.destroy(error));
  child.once('close', () => stream.destroy());
  stream.once('close', () => {
    const force = setTimeout(() => child.kill('SIGKILL'), FAREWELL);
    child.once('close', () => clearTimeout(force));
  });
  return stream;
}
