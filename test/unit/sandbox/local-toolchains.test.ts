import assert from 'node:assert/strict';
import fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkedToolchains, reachable, withToolchains } from '../../../server/sandbox/local/toolchains.ts';
import type { ExecRequest, Sandbox } from '../../../server/sandbox/sandbox.ts';

describe('toolchains that sandboxes are shown', () => {
  let root: string;
  let dataDir: string;
  beforeEach(() => {
    root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'handoff-tools-')));
    dataDir = join(root, 'relay', 'data');
    fs.mkdirSync(dataDir, { recursive: true });
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const folder = (path: string): string => {
    fs.mkdirSync(join(root, path), { recursive: true });
    return join(root, path);
  };
  const check = (...readOnly: string[]): string[] => checkedToolchains({ readOnly, dataDir });

  it('are named by their real paths', () => {
    const node = folder('nvm/versions/node/v24/bin');
    fs.symlinkSync(dirname(node), join(root, 'current'));
    assert.deepEqual(check(join(root, 'current'), node), [dirname(node), node]);
    assert.deepEqual(checkedToolchains({ dataDir }), []);
  });

  const refused: Array<[why: RegExp, path: () => string]> = [
    [/it is not a folder/, () => join(root, 'absent')],
    [/it is not a folder/, () => '/usr/bin/env'],
    [/is in it/, () => homedir()],
    [/is in it/, () => '/'],
    [/is in it/, () => dirname(dataDir)],
    [/it is part of the data folder/, () => folder('relay/data/sandboxes')],
    [/a sandbox has its own \/etc/, () => '/etc'],
    [/a sandbox has its own \/proc/, () => '/proc/self'],
    [/a sandbox has its own \/run/, () => '/run'],
    [/\.ssh may hold credentials/, () => folder('.ssh')],
    [/\.config may hold credentials/, () => folder('.config/tool')],
    [/tool\/\.aws may hold credentials/, () => dirname(folder('tool/.aws'))],
    [/tool\/share\/\.gnupg may hold credentials/, () => dirname(dirname(folder('tool/share/.gnupg')))],
    [
      /credentials\.toml may hold credentials/,
      () => {
        fs.writeFileSync(join(folder('.cargo'), 'credentials.toml'), 'token');
        return join(root, '.cargo');
      },
    ],
    [
      /\.ssh may hold credentials/,
      () => {
        fs.symlinkSync(folder('.ssh'), join(root, 'harmless'));
        return join(root, 'harmless');
      },
    ],
  ];
  for (const [why, path] of refused) {
    it(`are refused where ${why.source}`, () => {
      assert.throws(() => check(path()), { code: 'unavailable', message: why });
    });
  }

  if (process.getuid?.() === 0) {
    it('are refused where they belong to somebody else', () => {
      const others = folder('others');
      fs.chownSync(others, 54_321, 54_321);
      assert.throws(() => check(others), { code: 'unavailable', message: /it belongs to another user/ });
    });
  }

  it('are mounted where the sandbox can pass, if it cannot where they are', () => {
    fs.chmodSync(root, 0o755);
    const [open, closed] = [folder('open'), folder('private/closed')];
    fs.chmodSync(dirname(closed), 0o700);
    const mounts = folder('mounts');
    const dropped = { uid: 60_800, gid: 60_800, dropped: true };
    assert.deepEqual(reachable([open, closed], dropped, mounts), {
      shown: [
        { from: open, to: open },
        { from: join(mounts, '1'), to: closed },
      ],
      binds: [{ from: closed, to: join(mounts, '1') }],
    });
    assert.deepEqual(reachable([closed], { ...dropped, dropped: false }, mounts).binds, []);
  });

  it("come before the machine's own on PATH, unless a command has one of its own", async () => {
    const seen: Array<ExecRequest['env']> = [];
    const plain = {
      exec: async ({ env }: ExecRequest) => void seen.push(env),
    } as unknown as Sandbox;
    const sandbox = withToolchains(plain, ['/home/me/.nvm/v24', '/home/me/.cargo/bin']);
    const request = { execId: 'x', argv: ['true'], timeoutMs: 1, maxOutputBytes: 1 };
    await sandbox.exec({ ...request, env: { A: 'a' } });
    await sandbox.exec({ ...request, env: { PATH: '/own' } });
    assert.equal(seen[0]?.['A'], 'a');
    assert.match(
      seen[0]?.['PATH'] ?? '',
      /^\/home\/me\/\.nvm\/v24\/bin:\/home\/me\/\.cargo\/bin:\/usr\/local\/sbin:/,
    );
    assert.deepEqual(seen[1], { PATH: '/own' });
    assert.equal(withToolchains(plain, []), plain);
  });
});
