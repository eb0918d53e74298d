import assert from 'node:assert/strict';
import { processLimit } from '../../../server/sandbox/local/bwrap.ts';
import { examineHost, type HostFacts } from '../../../server/sandbox/local/host.ts';
import { onlyThese } from '../../../server/sandbox/local/inheritance.ts';
import { layoutOf, sandboxIdOf } from '../../../server/sandbox/local/layout.ts';
import { withMounts, withoutRoot } from '../../../server/sandbox/local/mounts.ts';
import { adviceFor, findLeaks } from '../../../server/sandbox/local/probe.ts';
import { freeUid } from '../../../server/sandbox/local/user.ts';

const facts = (more: Partial<HostFacts> = {}): HostFacts => ({
  platform: 'linux',
  arch: 'x64',
  uid: 1000,
  find: (tool) => `/usr/bin/${tool}`,
  bwrapVersion: async () => 'bubblewrap 0.11.0\n',
  ...more,
});
const ELSEWHERE =
  'Set HANDOFF_SANDBOX=container with Docker or Podman on this machine, or HANDOFF_SANDBOX=daytona with a DAYTONA_API_KEY, or run the relay on Linux.';
const lacking =
  (...missing: string[]) =>
  (tool: string): string | undefined =>
    missing.includes(tool) ? undefined : `/usr/bin/${tool}`;

describe('what a host needs for local sandboxes', () => {
  it('is there', async () => {
    assert.deepEqual(await examineHost(facts()), {
      arch: 'x64',
      bwrap: '/usr/bin/bwrap',
      prlimit: '/usr/bin/prlimit',
      flock: '/usr/bin/flock',
      canDisableUserns: true,
      setpriv: undefined,
      mounting: { unshare: '/usr/bin/unshare', sh: '/usr/bin/sh', mount: '/usr/bin/mount' },
    });
  });

  const lacks: Array<[name: string, more: Partial<HostFacts>, nextAction: string]> = [
    ['Linux (macOS)', { platform: 'darwin' }, ELSEWHERE],
    ['Linux (Windows)', { platform: 'win32' }, ELSEWHERE],
    ['a filter', { arch: 'riscv64' }, ELSEWHERE],
    ['bubblewrap', { find: lacking('bwrap') }, 'sudo apt-get install -y bubblewrap'],
    ['two packages', { find: lacking('bwrap', 'rg') }, 'sudo apt-get install -y bubblewrap ripgrep'],
    ['what only root needs', { uid: 0, find: lacking('setpriv') }, 'sudo apt-get install -y util-linux'],
    [
      'a newer bubblewrap',
      { bwrapVersion: async () => 'bubblewrap 0.4.1\n' },
      'Install a newer bubblewrap (Debian 12, Ubuntu 24.04 and Fedora have one).',
    ],
  ];
  for (const [name, more, nextAction] of lacks) {
    it(`is not there without ${name}, and the advice is: ${nextAction}`, async () => {
      await assert.rejects(examineHost(facts(more)), { code: 'unavailable', nextAction });
    });
  }

  it('without disabling of user namespaces is enough: the filter refuses them too', async () => {
    const host = await examineHost(facts({ bwrapVersion: async () => 'bubblewrap 0.6.2\n' }));
    assert.equal(host.canDisableUserns, false);
  });
});

describe('the advice after a failed trial', () => {
  const advice = (settings: Record<string, string>): string => adviceFor((name) => settings[name]);
  it('names the setting that forbids sandboxes', () => {
    assert.equal(
      advice({ 'kernel.apparmor_restrict_unprivileged_userns': '1' }),
      'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    );
    assert.equal(
      advice({ 'kernel.unprivileged_userns_clone': '0' }),
      'sudo sysctl -w kernel.unprivileged_userns_clone=1',
    );
    assert.equal(
      advice({ 'user.max_user_namespaces': '0' }),
      'sudo sysctl -w user.max_user_namespaces=28633',
    );
  });
  it('is about containers where no setting forbids them', () => {
    assert.match(advice({ 'user.max_user_namespaces': '100' }), /seccomp=unconfined/);
  });
});

describe('the trial sandbox', () => {
  const good = [
    ...['Name:\tcat', 'Pid:\t2', 'Uid:\t1000\t1000\t1000\t1000', 'NoNewPrivs:\t1', 'Seccomp:\t2'],
    ...['CapPrm:\t0000000000000000', 'CapEff:\t0000000000000000'],
    `    lo: ${Array(16).fill('0').join(' ')}`,
  ].join('\n');
  it('is good when the kernel says so', () => {
    assert.deepEqual(findLeaks(good), []);
  });
  const bad: Array<[from: string | RegExp, to: string, leak: string]> = [
    ['Uid:\t1000\t', 'Uid:\t0\t', 'its user is 0\t1000\t1000\t1000'],
    ['CapEff:\t0000000000000000', 'CapEff:\t0000000000000001', 'it has capabilities'],
    ['NoNewPrivs:\t1', 'NoNewPrivs:\t0', 'programs in it can gain rights'],
    ['Seccomp:\t2', '', 'its system calls are not filtered'],
    ['Pid:\t2', 'Pid:\t41234', 'it sees the processes of the machine'],
    ['    lo:', '  eth0:', 'it has the network interfaces eth0'],
  ];
  for (const [from, to, leak] of bad) {
    it(`is refused when ${leak}`, () => {
      assert.deepEqual(findLeaks(good.replace(from, to)), [leak]);
    });
  }
  it('is refused when it says nothing', () => {
    assert.equal(findLeaks('').length, 5);
  });
});

describe('details of the host', () => {
  it('root gives up its rights before bubblewrap starts; who is not root has none to give up', async () => {
    const user = { uid: 60_800, gid: 60_800 };
    const dropping = ['/usr/bin/setpriv', '--reuid=60800', '--regid=60800', '--clear-groups', '--', 'true'];
    assert.deepEqual(withoutRoot(await examineHost(facts({ uid: 0 })), user, ['true']), dropping);
    assert.deepEqual(withoutRoot(await examineHost(facts()), user, ['true']), ['true']);
  });

  it('mounts are made in a namespace of their own, by who is not root as the root of another', async () => {
    const binds = [{ from: '/from', to: '/to' }];
    const overlay = { from: '/d', options: 'lowerdir=a', at: 'b' };
    const script = (command: string[]): string[] => command.toSpliced(command.indexOf('-c') + 1, 1, 'SCRIPT');
    const [root, ordinary] = [await examineHost(facts({ uid: 0 })), await examineHost(facts())];
    const rest = ['--', '/usr/bin/sh', '-c', 'SCRIPT', 'sh', '/usr/bin/mount'];
    assert.deepEqual(script(withMounts(root, { binds, overlay }, ['true'])), [
      ...['/usr/bin/unshare', '--mount', ...rest],
      ...['bind', '/from', '/to', 'overlay', '/d', 'lowerdir=a', 'b', '--', 'true'],
    ]);
    assert.deepEqual(script(withMounts(ordinary, { overlay }, ['true'])), [
      ...['/usr/bin/unshare', '--user', '--map-root-user', '--mount', ...rest],
      ...['overlay', '/d', 'lowerdir=a', 'b', '--', 'true'],
    ]);
    assert.deepEqual(withMounts(ordinary, {}, ['true']), ['true']);
  });

  it('layers cannot be mounted without the tools for it, and that is said', async () => {
    const host = await examineHost(facts({ find: lacking('unshare') }));
    assert.equal(host.mounting, undefined);
    const overlay = { from: '/d', options: 'lowerdir=a', at: 'b' };
    assert.throws(() => withMounts(host, { overlay }, ['true']), {
      code: 'unavailable',
      nextAction: 'sudo apt-get install -y util-linux mount',
    });
  });

  it('a user id for sandboxes is never one that exists', () => {
    const first = freeUid('', '/data');
    assert.equal(first >= 60_800 && first < 61_056, true);
    assert.notEqual(freeUid(`someone:x:${first}:1::/:/bin/sh\n`, '/data'), first);
    const all = Array.from({ length: 256 }, (_, index) => `u:x:${60_800 + index}:1::/:/bin/sh`).join('\n');
    assert.throws(() => freeUid(all, '/data'));
  });

  it('kernels that count all processes of a user get a wide limit', () => {
    assert.deepEqual(
      ['4.18.0', '5.13.9', '5.14.0-rc1', '6.8.0-generic'].map(processLimit),
      [8_192, 8_192, 1_024, 1_024],
    );
  });

  it('sandbox ids are safe as names of folders, and differ where tasks do', () => {
    const ids = ['../../etc', 'a b', 'a.b', 'A'.repeat(300), ''].map(sandboxIdOf);
    for (const id of ids) assert.equal(layoutOf('/d').place(id).root, `/d/sandboxes/${id}`);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('descriptors that nobody asked for are covered, the others left alone', () => {
    assert.deepEqual(onlyThese(['ignore', 7, 8], 9, [1, 2, 4, 6]), [
      'ignore',
      7,
      8,
      'ignore',
      9,
      'ignore',
      9,
    ]);
    assert.deepEqual(onlyThese(['ignore', 7, 8], 9, [0, 1, 2]), ['ignore', 7, 8]);
  });
});
