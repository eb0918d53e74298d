import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = `
  const { openEgress } = await import(process.argv[1]);
  openEgress(process.argv[2]);
`;

describe('the presence of a sandbox at the process outside', () => {
  let folder: string;
  const servers: Server[] = [];
  const stop = new AbortController();
  before(async () => {
    folder = await fs.mkdtemp(join(tmpdir(), 'handoff-presence-'));
    // A port that leads out; nobody connects to it.
    await fs.writeFile(join(folder, '0'), '');
  });
  after(async () => {
    stop.abort();
    for (const server of servers) server.close();
    await fs.rm(folder, { recursive: true, force: true });
  });

  /** A process outside that opens its socket, in the place of whoever was there, and lives on. */
  const outside = async (): Promise<Server> => {
    const server = createServer((socket) => socket.on('error', () => {}).resume());
    servers.push(server);
    server.listen(join(folder, 'present.new'));
    await once(server, 'listening');
    await fs.rename(join(folder, 'present.new'), join(folder, 'present'));
    return server;
  };

  it('moves to the process that took over, though the first one lives and keeps the connection', async () => {
    const first = await outside();
    const module = new URL('../../../server/sandbox/supervisor/egress.ts', import.meta.url).href;
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, module, folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
      signal: stop.signal,
    });
    child.on('error', () => {});
    const [atFirst] = await once(first, 'connection');
    const second = await outside();
    const moved = await Promise.all([once(second, 'connection'), once(atFirst, 'close')]);
    assert.equal(moved.length, 2);
    stop.abort();
    await once(child, 'exit');
  });
});
