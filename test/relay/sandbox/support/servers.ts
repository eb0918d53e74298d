import type { Sandbox } from '../../../../server/sandbox/sandbox.ts';
import { request } from './local.ts';

/** Runs a Node program in the sandbox until it has printed `listening`, and leaves it running; `ended` settles when it has. */
export async function serveInside(sandbox: Sandbox, program: string): Promise<{ ended: Promise<unknown> }> {
  const listening = Promise.withResolvers<void>();
  let heard = '';
  const ended = sandbox.exec(request(['node', '-e', program], { timeoutMs: 120_000 }), {
    onOutput: ({ data }) => {
      heard += Buffer.from(data);
      if (heard.includes('listening')) listening.resolve();
    },
  });
  // What hibernation ends is no failure of a test.
  ended.then(
    () => listening.reject(new Error(`the server ended: ${heard}`)),
    (error: unknown) => listening.reject(error),
  );
  await listening.promise;
  return { ended: ended.catch(() => {}) };
}

/** A program that serves raw TCP: `onSocket` is the body of a function of `socket`. */
export function tcpServer(port: number, onSocket: string, host = '127.0.0.1'): string {
  return `require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    ${onSocket}
  }).listen(${port}, '${host}', () => console.log('listening'));`;
}
