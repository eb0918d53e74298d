import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../server/cli/programs.ts';
import { type Engine, findEngine } from '../../../server/sandbox/container/engine.ts';
import { copyFromSnapshot, createMachine, createSnapshot } from '../../../server/sandbox/container/plan.ts';

/** What the client asks its engine to make; the engine here takes the request and refuses. */
interface Asked {
  [field: string]: unknown;
  HostConfig: Record<string, unknown>;
}

const docker = findProgram('docker', process.env);

/** Where there is a docker client: what it makes of our words is what a real engine would get. */
if (docker !== undefined) {
  describe('the docker client, given our command lines', () => {
    let folder: string;
    let server: Server;
    let engine: Engine;
    let asked: Asked | undefined;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'handoff-docker-'));
      server = createServer((message, response) => {
        let body = '';
        message.on('data', (chunk) => {
          body += chunk;
        });
        message.on('end', () => {
          if (/\/containers\/create\b/.test(message.url ?? '')) asked = JSON.parse(body);
          const answers = message.url?.endsWith('/_ping');
          response.writeHead(answers ? 200 : 500, {
            'Api-Version': '1.45',
            'Content-Type': 'application/json',
          });
          response.end(answers ? 'OK' : JSON.stringify({ message: 'no space left on device' }));
        });
      });
      server.listen(join(folder, 'docker.sock'));
      await once(server, 'listening');
      const env = { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: `unix://${folder}/docker.sock` };
      engine = await findEngine(docker, env);
    });
    after(() => {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true });
    });

    const asking = async (args: string[]): Promise<Asked> => {
      asked = undefined;
      await assert.rejects(engine.run(args), { code: 'no-space' });
      assert.ok(asked);
      return asked;
    };
    /** Of the fields, those that a test names; versions of the client differ in how they say "nothing" and name capabilities. */
    const some = (all: Record<string, unknown>, names: string[]) =>
      Object.fromEntries(names.map((name) => [name, isNothing(all[name]) ? 'nothing' : plain(all[name])]));
    const isNothing = (value: unknown): boolean =>
      ['null', '""', '[]', '{}', undefined].includes(JSON.stringify(value));
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll('"CAP_', '"'));

    it('asks for a container that may do nothing but compute', async () => {
      const container = await asking(
        createMachine({
          name: 'handoff-t-one',
          taskId: 'one',
          relay: 'r',
          image: 'example.com/image:1',
          resources: { memoryMiB: 512, cpus: 1.5 },
          network: { mode: 'none' },
          runtime: '/home/me/runtime',
          node: '/opt/handoff/bin/node',
        }),
      );
      const names = [
        'User',
        'Hostname',
        'WorkingDir',
        'Image',
        'Entrypoint',
        'Cmd',
        'Labels',
        'Volumes',
        'ExposedPorts',
      ];
      assert.deepEqual(some(container, names), {
        User: '1000:1000',
        Hostname: 'sandbox',
        WorkingDir: '/sandbox',
        Image: 'example.com/image:1',
        Entrypoint: ['/opt/handoff/bin/node'],
        Cmd: ['/opt/handoff/supervisor.mjs'],
        Labels: { 'handoff.kind': 'machine', 'handoff.relay': 'r', 'handoff.task': 'one' },
        Volumes: 'nothing',
        ExposedPorts: 'nothing',
      });
      const host = [
        'CapAdd',
        'CapDrop',
        'SecurityOpt',
        'ReadonlyRootfs',
        'Privileged',
        'NetworkMode',
        'PidMode',
        'IpcMode',
      ];
      const limits = ['PidsLimit', 'Memory', 'MemorySwap', 'NanoCpus', 'OomScoreAdj'];
      const files = ['Binds', 'Mounts', 'Tmpfs', 'VolumesFrom', 'Devices', 'PortBindings'];
      assert.deepEqual(some(container.HostConfig, [...host, ...limits, ...files, 'Init']), {
        CapAdd: 'nothing',
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        Privileged: false,
        NetworkMode: 'none',
        PidMode: 'nothing',
        IpcMode: 'nothing',
        PidsLimit: 2_048,
        Memory: 512 << 20,
        MemorySwap: 512 << 20,
        NanoCpus: 1_500_000_000,
        OomScoreAdj: 700,
        Binds: ['/home/me/runtime:/opt/handoff:ro,z'],
        Mounts: [{ Type: 'volume', Target: '/sandbox' }],
        Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777,size=256m' },
        VolumesFrom: 'nothing',
        Devices: 'nothing',
        PortBindings: 'nothing',
        Init: true,
      });
    });

    it('asks for a volume that nobody runs on, and for a copy with the rights for that only', async () => {
      const holder = await asking(createSnapshot({ name: 'snap', relay: 'r', image: 'image' }));
      assert.deepEqual(some(holder.HostConfig, ['Mounts', 'CapDrop', 'NetworkMode']), {
        Mounts: [{ Type: 'volume', Target: '/snapshot' }],
        CapDrop: ['ALL'],
        NetworkMode: 'none',
      });
      const copy = await asking(copyFromSnapshot('snap', 'machine', 'image'));
      assert.deepEqual(some(copy, ['User', 'Entrypoint', 'Cmd']), {
        User: '0:0',
        Entrypoint: ['cp'],
        Cmd: ['-a', '/snapshot/workspace', '/snapshot/home', '/sandbox'],
      });
      assert.deepEqual(
        some(copy.HostConfig, ['VolumesFrom', 'CapAdd', 'CapDrop', 'AutoRemove', 'NetworkMode']),
        {
          VolumesFrom: ['snap:ro', 'machine'],
          CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
          CapDrop: ['ALL'],
          AutoRemove: true,
          NetworkMode: 'none',
        },
      );
    });

    it('knows every other command that we give', async () => {
      const others = [
        ['ps', '--quiet', '--last=1'],
        ['ps', '--all', '--quiet', '--no-trunc', '--filter=name=^x$'],
        ['ps', '--all', '--quiet', '--no-trunc', '--filter=id=x'],
        ['container', 'inspect', 'x'],
        ['image', 'inspect', '--format={{.Id}}', 'x'],
        ['pull', 'x'],
        ['start', 'x'],
        ['stop', '-t', '0', 'x'],
        ['unpause', 'x'],
        ['rm', '--force', '--volumes', 'x'],
        ['rm', '--volumes', 'x'],
        ['rename', 'x', 'y'],
        ['logs', '--tail=5', 'x'],
        ['exec', '--interactive', 'x', 'node', 'y'],
      ];
      for (const args of others) await assert.rejects(engine.run(args), { code: 'no-space' }, args.join(' '));
    });
  });
}
