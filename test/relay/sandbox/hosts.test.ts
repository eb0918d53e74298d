import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runtimeDirs } from '../../../server/sandbox/local/layout.ts';
import { probeIsolation } from '../../../server/sandbox/local/probe.ts';
import { bundleSupervisor, relayForAll } from './support/local.ts';

const AS_ROOT = process.getuid?.() === 0;
/** A user id that has no account and no rights. */
const ORDINARY = 54_321;

describe('local sandboxes on different hosts', () => {
  let root: string;
  let supervisorPath: string;
  before(async () => {
    root = await fs.mkdtemp(join(tmpdir(), 'handoff-hosts-'));
    await fs.chmod(root, 0o755);
    supervisorPath = await bundleSupervisor(root);
    await fs.mkdir(join(root, 'probe'));
  });
  after(async () => {
    // Of the probe, which runs in this process; those of the relays are below `root`.
    const { sockets } = runtimeDirs(join(root, 'probe'), process.getuid?.() ?? -1);
    await fs.rm(dirname(sockets), { recursive: true, force: true });
    await fs.rm(root, { recursive: true, force: true });
  });

  interface Relay {
    dataDir: string;
    nodePath?: string;
    uid?: number;
    program?: string;
    script?: string;
    /** A descriptor that the relay was started with, by whoever started it, at a high number. */
    leaked?: number;
  }
  const seenFrom = async ({
    dataDir,
    nodePath = process.execPath,
    uid,
    program = 'test/relay/sandbox/support/in-process.ts',
    script,
    leaked,
  }: Relay): Promise<unknown> => {
    const inside = script ?? 'id -u; echo kept > kept; /opt/handoff/bin/node -p 1+1';
    const child = spawn(
      uid === undefined ? process.execPath : nodePath,
      [program, dataDir, supervisorPath, nodePath, inside],
      {
        cwd: uid === undefined ? process.cwd() : root,
        env: { PATH: '/usr/bin:/bin', TMPDIR: root, HOST_SECRET: 'secret' },
        ...(uid === undefined ? {} : { uid, gid: uid }),
        stdio: [
          'ignore',
          'pipe',
          'inherit',
          ...(leaked === undefined ? [] : [...Array<'ignore'>(40).fill('ignore'), leaked]),
        ],
      },
    );
    assert.ok(child.stdout);
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    return JSON.parse(output);
  };
  const fine = { first: { code: 0, out: '1000\n2\n', err: '' }, kept: 'kept\n', state: 'gone' };

  it('work where anybody may pass to the data folder', async () => {
    const dataDir = join(root, 'open');
    await fs.mkdir(dataDir, { mode: 0o755 });
    await fs.chmod(dataDir, 0o755);
    assert.deepEqual(await seenFrom({ dataDir }), fine);
  });

  it('work where the data folder, and Node itself, are behind a closed folder', async () => {
    const closed = join(root, 'closed');
    await fs.mkdir(closed, { mode: 0o700 });
    const nodePath = join(closed, 'node');
    await fs.link(process.execPath, nodePath).catch(() => fs.copyFile(process.execPath, nodePath));
    assert.deepEqual(await seenFrom({ dataDir: join(closed, 'data'), nodePath }), fine);
  });

  // Anybody else is such a user already.
  if (AS_ROOT) {
    it('work for a user without rights', async () => {
      // Node and these sources may be where that user cannot pass, below /root for example.
      const relay = await relayForAll(root);
      const dataDir = join(root, 'home');
      await fs.mkdir(dataDir, { mode: 0o700 });
      await fs.chown(dataDir, ORDINARY, ORDINARY);
      await fs.chmod(root, 0o777);
      assert.deepEqual(await seenFrom({ dataDir, uid: ORDINARY, ...relay }), fine);
    });
  }

  it('hand on no folder that the relay was started with', async () => {
    const folder = await fs.open('/', 'r');
    const script = 'for f in /proc/[0-9]*/fd/*; do [ -d "$f" ] && echo "$f"; done; true';
    const seen = await seenFrom({ dataDir: join(root, 'leak'), script, leaked: folder.fd });
    await folder.close();
    assert.deepEqual(seen, { first: { code: 0, out: '', err: '' }, kept: '', state: 'gone' });
  });

  it('are found to be possible by the probe', async () => {
    assert.deepEqual(await probeIsolation({ dataDir: join(root, 'probe'), supervisorPath }), { ok: true });
  });

  it('are found to be impossible, with an advice, where the supervisor was not built', async () => {
    const report = await probeIsolation({
      dataDir: join(root, 'probe'),
      supervisorPath: join(root, 'none.mjs'),
    });
    assert.deepEqual(
      { ok: report.ok, advice: 'nextAction' in report && report.nextAction },
      { ok: false, advice: 'npm run build' },
    );
  });
});
