import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runtimeDirs } from '../../../server/sandbox/local/layout.ts';
import { CHECKS } from './escape/checks.ts';
import { type Stage, setStage } from './escape/stage.ts';
import { bundleSupervisor, relayForAll } from './support/local.ts';
import { bundleEgress, PUBLIC } from './support/network.ts';

const AS_ROOT = process.getuid?.() === 0;
/** A user id that has no account and no rights. */
const ORDINARY = 54_322;

describe('no escape from a local sandbox', () => {
  let root: string;
  let supervisorPath: string;
  const servers: Server[] = [];
  const listen = async (server: Server): Promise<number> => {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  before(async () => {
    root = await fs.mkdtemp(join(tmpdir(), 'handoff-escape-'));
    await fs.chmod(root, 0o755);
    supervisorPath = await bundleSupervisor(root);
    const web = await listen(
      createServer((asked, response) => response.setHeader('X-Host', asked.headers.host ?? '').end('page')),
    );
    const tunnel = await listen(createTcpServer((socket) => socket.on('error', () => {}).resume()));
    await bundleEgress(root, {
      names: {
        'web.test': [[PUBLIC]],
        'inner.test': [['10.0.0.7']],
        'mixed.test': [[PUBLIC, '127.0.0.1']],
        'rebinding.test': [[PUBLIC], ['127.0.0.1']],
        'metadata.test': [['169.254.169.254']],
      },
      servers: { [`${PUBLIC}:80`]: web, [`${PUBLIC}:443`]: tunnel },
    });
  });
  after(async () => {
    for (const server of servers) server.close();
    await fs.rm(root, { recursive: true, force: true });
  });

  describe(AS_ROOT ? 'of a relay that is root, by' : 'of an ordinary user’s relay, by', () => {
    let stage: Stage;
    before(async function () {
      this.timeout(60_000);
      const dataDir = join(root, 'here');
      await fs.mkdir(dataDir, { mode: 0o711 });
      stage = await setStage({ dataDir, supervisorPath });
    });
    after(async () => {
      const { sockets } = runtimeDirs(stage.dataDir, process.getuid?.() ?? -1);
      await stage.close();
      await fs.rm(dirname(sockets), { recursive: true, force: true });
    });

    for (const check of CHECKS) it(check.name, () => check.run(stage)).timeout(120_000);
  });

  // Anybody else is such a user already.
  if (AS_ROOT) {
    describe('of an ordinary user’s relay, by', () => {
      let results: Record<string, string>;
      before(async function () {
        this.timeout(400_000);
        const { nodePath } = await relayForAll(root);
        const program = await bundleSuite(root);
        const home = join(root, 'home');
        await fs.mkdir(home, { mode: 0o700 });
        await fs.chown(home, ORDINARY, ORDINARY);
        const child = spawn(nodePath, [program, home, supervisorPath, nodePath], {
          cwd: root,
          env: { PATH: '/usr/bin:/bin', TMPDIR: home },
          uid: ORDINARY,
          gid: ORDINARY,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
        results = JSON.parse(output);
      });

      for (const { name } of CHECKS) it(name, () => assert.equal(results[name], 'ok'));
    });
  }
});

async function bundleSuite(folder: string): Promise<string> {
  const { build } = await import('esbuild');
  const outfile = join(folder, 'escape.mjs');
  await build({
    entryPoints: ['test/relay/sandbox/escape/as-another-user.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'warning',
    external: ['esbuild'],
  });
  return outfile;
}
