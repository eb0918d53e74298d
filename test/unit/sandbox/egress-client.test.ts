import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEgress, type EgressHost } from '../../../server/sandbox/local/egress/client.ts';
import { MAX_LINE } from '../../../server/sandbox/local/egress/control.ts';

describe('what a relay hears from the processes by which sandboxes leave', () => {
  let sandboxes: string;
  const servers: Server[] = [];
  beforeEach(async () => {
    sandboxes = await fs.mkdtemp(join(tmpdir(), 'handoff-egress-client-'));
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await fs.rm(sandboxes, { recursive: true, force: true });
  });

  /** A process of some version, and what it does with whoever asks. */
  const process = async (version: string, answer: (socket: Socket) => void): Promise<void> => {
    const home = join(sandboxes, `.egress-${version}`);
    await fs.mkdir(home);
    const server = createServer((socket) => answer(socket.on('error', () => {}).resume()));
    servers.push(server);
    await once(server.listen(join(home, 'control')), 'listening');
  };
  const refusals = () => {
    const host: EgressHost = {
      sandboxes,
      user: { uid: 1, gid: 1, dropped: false },
      node: 'node',
      flock: 'flock',
      seen: (path) => path,
      asUser: (command) => command,
    };
    const egress = createEgress({ program: '/none', log: () => {} });
    return egress.refusals({ id: 'a', root: join(sandboxes, 'a') }, host);
  };
  const REFUSED = { host: 'evil.test', port: 443, why: 'name', count: 1 };
  const says = (answer: object) => (socket: Socket) => void socket.end(`${JSON.stringify(answer)}\n`);

  it('is what the one says that the sandbox is connected to, whatever its version', async () => {
    await process('older', says({ ok: true, refusals: [] }));
    await process('serving', says({ ok: true, refusals: [REFUSED], inUse: true }));
    await process('newer', says({ ok: true, refusals: [], inUse: false }));
    await process('puzzled', says({ ok: false, message: 'unknown' }));
    await fs.mkdir(join(sandboxes, '.egress-ended'));
    assert.deepEqual(await refusals(), [REFUSED]);
  });

  it('has an end: an answer without one is none', async () => {
    let sent = 0;
    const cut = Promise.withResolvers<void>();
    await process('endless', (socket) => {
      const piece = 'x'.repeat(1 << 16);
      const more = (): void => {
        while (!socket.destroyed && socket.write(piece)) sent += piece.length;
        sent += piece.length;
      };
      socket.on('drain', more).on('close', cut.resolve);
      more();
    });
    assert.deepEqual(await refusals(), []);
    await cut.promise;
    // What was under way in the socket besides.
    assert.ok(sent < 3 * MAX_LINE, `${sent} bytes were sent`);
  });
});
