import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Held while the process lives; the system lets go of it however the process ends. */
export interface ProcessLock {
  release(): Promise<void>;
}

/**
 * Lets one relay at a time use a data folder. A listening local socket is the lock: unlike a file with a pid in it, it
 * cannot be left behind (abstract on Linux, a named pipe on Windows; elsewhere a socket file that is tried before it is removed).
 * @returns undefined where another process holds it
 */
export async function acquireLock(dataDir: string): Promise<ProcessLock | undefined> {
  const name = `handoff-${process.getuid?.() ?? ''}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 24)}`;
  const path =
    process.platform === 'linux'
      ? `\0${name}`
      : process.platform === 'win32'
        ? `\\\\.\\pipe\\${name}`
        : join(tmpdir(), name);
  const server = await listen(path);
  if (server) return holding(server);
  if (process.platform !== 'darwin' || (await isAlive(path))) return undefined;
  await rm(path, { force: true });
  const second = await listen(path);
  return second && holding(second);
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => resolve(server));
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}

function holding(server: Server): ProcessLock {
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}
