import assert from 'node:assert/strict';
import {
  copyFromSnapshot,
  copyToSnapshot,
  createMachine,
  createSnapshot,
  DEFAULT_IMAGE,
  defaultMemory,
  layOut,
  type MachinePlan,
} from '../../../server/sandbox/container/plan.ts';

const PLAN: MachinePlan = {
  name: 'handoff-t-one-0123456789ab',
  taskId: 'one',
  relay: 'ba9876543210',
  image: DEFAULT_IMAGE,
  resources: { memoryMiB: 4_096 },
  network: undefined,
  runtime: '/home/me/.handoff/containers/runtime',
  node: 'node',
};

describe('the command line that makes a container', () => {
  it('confines it, word by word', () => {
    assert.deepEqual(createMachine(PLAN), [
      'create',
      '--name=handoff-t-one-0123456789ab',
      '--label=handoff.kind=machine',
      '--label=handoff.relay=ba9876543210',
      '--label=handoff.task=one',
      '--pull=never',
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
      '--read-only',
      '--init',
      '--hostname=sandbox',
      '--oom-score-adj=700',
      '--pids-limit=2048',
      '--memory=4096m',
      '--memory-swap=4096m',
      '--network=none',
      '--user=1000:1000',
      '--mount=type=volume,destination=/sandbox',
      '--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size=1024m',
      '--volume=/home/me/.handoff/containers/runtime:/opt/handoff:ro,z',
      '--env=http_proxy=',
      '--env=HTTP_PROXY=',
      '--env=https_proxy=',
      '--env=HTTPS_PROXY=',
      '--env=ftp_proxy=',
      '--env=FTP_PROXY=',
      '--env=all_proxy=',
      '--env=ALL_PROXY=',
      '--env=no_proxy=',
      '--env=NO_PROXY=',
      '--workdir=/sandbox',
      '--entrypoint=node',
      'docker.io/library/node:24-bookworm',
      '/opt/handoff/supervisor.mjs',
    ]);
  });

  it('limits what was asked to be limited, swap included', () => {
    const args = createMachine({ ...PLAN, resources: { cpus: 1.5, memoryMiB: 2_048, diskMiB: 100 } });
    const added = args.filter((arg) => !createMachine(PLAN).includes(arg));
    assert.deepEqual(added, ['--memory=2048m', '--memory-swap=2048m', '--cpus=1.5']);
  });

  it('takes what is in /tmp out of the memory, never all of it', () => {
    const args = createMachine({ ...PLAN, resources: { memoryMiB: 512 } });
    assert.ok(args.includes('--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size=256m'));
  });

  it('leaves half of a small machine to the person', () => {
    assert.deepEqual([3_001, 8_192, 65_536].map(defaultMemory), [1_500, 4_096, 4_096]);
  });

  it('gives the engine’s own network where all of it was asked for', () => {
    const args = createMachine({ ...PLAN, network: { mode: 'open' } });
    assert.deepEqual(
      args.filter((arg) => arg.startsWith('--network')),
      [],
    );
  });

  it('refuses what it cannot enforce, with the way out', () => {
    const refused = { code: 'unavailable', nextAction: /HANDOFF_SANDBOX=local or daytona/ };
    const forwards = [{ port: 5432, to: { host: 'db', port: 5432 } }];
    assert.throws(
      () => createMachine({ ...PLAN, network: { mode: 'allow-list', domains: ['a.example'] } }),
      refused,
    );
    assert.throws(() => createMachine({ ...PLAN, network: { mode: 'none', forwards } }), refused);
  });

  it('takes no image that could be an option', () => {
    for (const image of ['--privileged', '-v/:/host', '', 'a b', 'x\n--privileged', 'http://x/y?z'])
      assert.throws(() => createMachine({ ...PLAN, image }), {
        code: 'unavailable',
        nextAction: /HANDOFF_IMAGE/,
      });
    for (const image of ['node', 'ghcr.io/Team/project:1.2', 'host:5000/a/b@sha256:0123', 'localhost/x'])
      assert.equal(createMachine({ ...PLAN, image }).at(-2), image);
  });

  it('takes a folder of Windows, and none that would be read as something else', () => {
    const onWindows = createMachine({ ...PLAN, runtime: 'C:\\Users\\me\\containers' });
    assert.ok(onWindows.includes('--volume=C:\\Users\\me\\containers:/opt/handoff:ro,z'));
    assert.throws(() => createMachine({ ...PLAN, runtime: '/home/a:/etc' }), { code: 'unavailable' });
  });
});

describe('the command lines around a container', () => {
  const helper = [
    'run',
    '--rm',
    '--pull=never',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--read-only',
    '--cap-add=CHOWN',
    '--cap-add=DAC_OVERRIDE',
    '--cap-add=FOWNER',
    '--network=none',
    '--user=0:0',
  ];

  it('give a new one its folders', () => {
    assert.deepEqual(layOut('machine', 'image'), [
      ...helper,
      '--volumes-from=machine',
      '--entrypoint=install',
      'image',
      ...['-d', '-m', '0700', '-o', '1000', '-g', '1000'],
      ...['/sandbox/workspace', '/sandbox/home', '/sandbox/scratch', '/sandbox/state'],
    ]);
  });

  it('copy workspace and home, and nothing of the past of its commands, to a volume that nobody runs on', () => {
    assert.deepEqual(createSnapshot({ name: 'snap', relay: 'ba9876543210', image: 'image' }), [
      'create',
      '--name=snap',
      '--label=handoff.kind=snapshot',
      '--label=handoff.relay=ba9876543210',
      '--label=handoff.task=',
      '--pull=never',
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
      '--read-only',
      '--network=none',
      '--mount=type=volume,destination=/snapshot',
      '--entrypoint=true',
      'image',
    ]);
    assert.deepEqual(copyToSnapshot('machine', 'snap', 'image'), [
      ...helper,
      '--volumes-from=machine:ro',
      '--volumes-from=snap',
      ...['--entrypoint=cp', 'image', '-a', '/sandbox/workspace', '/sandbox/home', '/snapshot'],
    ]);
    assert.deepEqual(copyFromSnapshot('snap', 'machine', 'image'), [
      ...helper,
      '--volumes-from=snap:ro',
      '--volumes-from=machine',
      ...['--entrypoint=cp', 'image', '-a', '/snapshot/workspace', '/snapshot/home', '/sandbox'],
    ]);
  });
});
