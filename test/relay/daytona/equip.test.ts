import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { shell } from '../sandbox/support/local.ts';
import { bundle, bundleSupervisor, type DaytonaFixture, daytonaFixture } from './support/provider.ts';

describe('what a machine at Daytona is equipped with', () => {
  let fixture: DaytonaFixture;
  let relay: SandboxProvider;
  before(async () => {
    fixture = await daytonaFixture();
    relay = fixture.relay();
  });
  after(() => fixture.dispose());

  for (const [image, lack] of [
    ['without-node', 'Node 20 or newer'],
    ['old-node', 'Node 20 or newer (it has v18.20.0)'],
    ['without-git', 'Git'],
  ] as const) {
    it(`nothing where the image is ${image}: it says so, and what to set`, async () => {
      await assert.rejects(relay.create({ taskId: image, image: `${image}:1` }), {
        code: 'unavailable',
        message: `The image ${image} has no ${lack}, which sandboxes need.`,
        nextAction:
          'Set HANDOFF_IMAGE or HANDOFF_DAYTONA_SNAPSHOT to one with Node 20 and Git, such as node:24-bookworm.',
      });
    });
  }

  it('ripgrep where the image has none, for the search and for commands', async () => {
    const sandbox = await relay.create({ taskId: 'rg', image: 'without-ripgrep:1' });
    await sandbox.writeFile({ path: 'a.txt', data: Buffer.from('needle\n') });
    assert.deepEqual(await sandbox.grep({ pattern: 'needle', limit: 5 }), {
      matches: [{ path: 'a.txt', line: 1, text: 'needle' }],
      truncated: false,
    });
    assert.equal((await shell(sandbox, 'command -v rg')).out, '/home/daytona/.handoff/bin/rg\n');
  });

  it('the supervisor once: a machine that is woken, or met by another relay, has it already', async () => {
    const sandbox = await relay.create({ taskId: 'once' });
    await relay.hibernate(sandbox.ref);
    fixture.double.faults.add({ on: /bulk-upload/, does: { status: 500 } });
    const resumed = await fixture.relay().resume(sandbox.ref);
    fixture.double.faults.clear();
    const { out } = await shell(resumed, 'ls ~/.handoff/bin | wc -l; cat /proc/net/tcp | grep -c " 0A "');
    assert.equal(out, '1\n1\n');
  });

  it('a newer supervisor at the next start, and not before: commands go on', async () => {
    const newer = await bundleSupervisor();
    try {
      await cp(newer.path, `${newer.path}.copy`);
      await writeFile(newer.path, '// newer\n', { flag: 'a' });
      const sandbox = await relay.create({ taskId: 'newer' });
      const running = 'pgrep -fa "supervisor.*[s]erve" | sed "s/.*supervisor-//;s/ .*//"';
      const before = (await shell(sandbox, running)).out;
      const later = fixture.relay({ supervisorPath: newer.path });
      const met = await later.resume(sandbox.ref);
      assert.equal((await shell(met, running)).out, before);
      await later.hibernate(sandbox.ref);
      const woken = await later.resume(sandbox.ref);
      assert.notEqual((await shell(woken, running)).out, before);
    } finally {
      await newer.remove();
    }
  });

  it('nothing half: an upload that broke off is made again', async () => {
    fixture.double.faults.add({ on: /bulk-upload/, does: 'drop', times: 1 });
    const sandbox = await relay.create({ taskId: 'half' });
    assert.equal((await shell(sandbox, 'echo works')).out, 'works\n');
  });

  it('the same by the bundles of an installed relay, which has no packages beside it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'daytona-installed-'));
    try {
      for (const file of ['daytona.mjs', 'supervisor-websocket.mjs'])
        await cp(join('dist', file), join(folder, file));
      await bundle('test/relay/daytona/support/installed.ts', join(folder, 'relay.mjs'));
      const { url, apiKey } = fixture.double;
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'relay.mjs')], {
        cwd: folder,
        env: { URL: url, API_KEY: apiKey },
      });
      assert.deepEqual(JSON.parse(stdout), { out: 'works\n', state: 'gone', isSandboxError: true });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
