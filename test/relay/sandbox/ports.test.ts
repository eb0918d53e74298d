import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { EGRESS_PROXY_PORT } from '../../../server/sandbox/supervised/own-ports.ts';
import { type LocalFixture, localFixture, request, shell } from './support/local.ts';
import { serveInside, tcpServer } from './support/servers.ts';

const MIB = 1 << 20;
const sha = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

describe('the ports of a local sandbox', function () {
  this.timeout(60_000);
  let fixture: LocalFixture;
  let sandbox: Sandbox;
  before(async () => {
    fixture = await localFixture();
  });
  beforeEach(async () => {
    sandbox = await fixture.provider.create({ taskId: fixture.taskId });
  });
  afterEach(async () => {
    await fixture.provider.hibernate(sandbox.ref);
  });
  after(() => fixture.dispose());

  it('are those that listen on its loopback, whatever the family', async () => {
    assert.deepEqual(await sandbox.ports(), []);
    await serveInside(sandbox, tcpServer(8081, 'socket.end()'));
    await serveInside(sandbox, tcpServer(8080, 'socket.end()', '0.0.0.0'));
    await serveInside(sandbox, tcpServer(8082, 'socket.end()', '::1'));
    await serveInside(sandbox, tcpServer(EGRESS_PROXY_PORT, 'socket.end()'));
    assert.deepEqual(await sandbox.ports(), [8080, 8081, 8082]);
  });

  it('are connected to on 127.0.0.1, else on ::1', async () => {
    await serveInside(sandbox, tcpServer(8080, "socket.end('four')"));
    await serveInside(sandbox, tcpServer(8081, "socket.end('six')", '::1'));
    const said = [8080, 8081].map(async (port) => text(await sandbox.connect(port)));
    assert.deepEqual(await Promise.all(said), ['four', 'six']);
  });

  it('are not found where nothing listens, nor are those of the host or of Handoff', async () => {
    const host = (await import('node:net')).createServer().listen(0, '127.0.0.1');
    await once(host, 'listening');
    const address = host.address();
    const hostPort = typeof address === 'object' && address !== null ? address.port : 0;
    await serveInside(sandbox, tcpServer(EGRESS_PROXY_PORT, 'socket.end()'));
    for (const port of [9, hostPort, EGRESS_PROXY_PORT])
      await assert.rejects(sandbox.connect(port), { name: 'SandboxError', code: 'not-found' });
    host.close();
  });

  it('hear that the asker has finished, and can answer then', async () => {
    await serveInside(
      sandbox,
      tcpServer(
        8080,
        "let n = 0; socket.on('data', (d) => { n += d.length; }).on('end', () => socket.end(String(n)));",
      ),
    );
    const connection = await sandbox.connect(8080);
    connection.end(randomBytes(5 * MIB));
    assert.equal(await text(connection), String(5 * MIB));
  });

  it('carry bytes unchanged over a hundred connections at once', async () => {
    await serveInside(sandbox, tcpServer(8080, 'socket.pipe(socket)'));
    const same = Array.from({ length: 100 }, async (_, index) => {
      const data = randomBytes(200_000 + index);
      const connection = await sandbox.connect(8080);
      connection.end(data);
      return sha(await buffer(connection)) === sha(data);
    });
    assert.deepEqual(await Promise.all(same), Array(100).fill(true));
  });

  it('are refused beyond 256 connections, until one is closed', async () => {
    await serveInside(sandbox, tcpServer(8080, 'socket.resume()'));
    const open = await Promise.all(Array.from({ length: 256 }, () => sandbox.connect(8080)));
    await assert.rejects(sandbox.connect(8080), { code: 'busy' });
    open[0]?.destroy();
    // Behind the end of that one on the same connection.
    const next = await sandbox.connect(8080);
    for (const one of [...open, next]) one.destroy();
  });

  it('do not hold up commands where a reader of 50 MB is slow, and lose nothing', async () => {
    await serveInside(sandbox, tcpServer(8080, `socket.end(Buffer.alloc(${50 * MIB}, 'handoff'))`));
    const connection = await sandbox.connect(8080);
    await once(connection, 'readable');
    const rss = process.memoryUsage.rss();
    const printed = await sandbox.exec(
      request(['bash', '-c', 'head -c 30000000 /dev/zero'], { maxOutputBytes: 1_000 }),
      { onOutput: () => {} },
    );
    assert.equal(printed.stdout.omittedBytes, 30_000_000 - 1_000);
    assert.ok(connection.readableLength <= 512 << 10, `${connection.readableLength} bytes wait`);
    assert.ok(process.memoryUsage.rss() - rss < 200 * MIB);
    assert.equal(sha(await buffer(connection)), sha(Buffer.alloc(50 * MIB, 'handoff')));
  });

  it('end a connection whose server dies', async () => {
    const { ended } = await serveInside(sandbox, tcpServer(8080, "socket.on('data', () => process.exit())"));
    const connection = await sandbox.connect(8080);
    connection.write('die');
    assert.equal(await text(connection), '');
    connection.destroy();
    await ended;
    assert.deepEqual(await sandbox.ports(), []);
  });

  it('end their server’s connection where the asker goes away', async () => {
    await serveInside(
      sandbox,
      tcpServer(
        8080,
        "socket.write('hello'); socket.resume().on('end', () => require('node:fs').writeFileSync('gone', ''))",
      ),
    );
    const connection = await sandbox.connect(8080);
    await once(connection, 'data');
    connection.destroy();
    assert.equal((await shell(sandbox, 'until [ -e gone ]; do sleep 0.02; done; echo gone')).out, 'gone\n');
  });

  it('are lost with a sandbox that hibernates', async () => {
    await serveInside(sandbox, tcpServer(8080, "socket.write('hello')"));
    const connection = await sandbox.connect(8080);
    await once(connection, 'data');
    const failed = once(connection, 'error');
    await fixture.provider.hibernate(sandbox.ref);
    const [error] = await failed;
    assert.equal(error.code, 'lost');
    await assert.rejects(sandbox.connect(8080), { code: 'lost' });
  });
});
