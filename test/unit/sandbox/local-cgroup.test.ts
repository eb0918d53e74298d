import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCgroups } from '../../../server/sandbox/local/cgroup.ts';

/** What a group that was made in this file system, which is only a folder, has been told. */
const told = (folder: string): Record<string, string> =>
  Object.fromEntries(
    fs
      .readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, fs.readFileSync(join(folder, name), 'utf8')]),
  );

describe('control groups for local sandboxes, in folders that look like them', () => {
  let mount: string;
  beforeEach(() => {
    mount = fs.mkdtempSync(join(tmpdir(), 'handoff-cgroup-'));
  });
  afterEach(() => fs.rmSync(mount, { recursive: true, force: true }));

  /** @param handedOn what groups below can limit @param processes what is in it */
  const group = (path: string, controllers: string, handedOn: string, processes = ''): string => {
    const folder = join(mount, path);
    fs.mkdirSync(folder, { recursive: true });
    for (const [name, content] of [
      ['cgroup.controllers', controllers],
      ['cgroup.subtree_control', handedOn],
      ['cgroup.procs', processes],
    ] as const) {
      fs.writeFileSync(join(folder, name), `${content}\n`);
    }
    return folder;
  };
  const found = (own: string) =>
    findCgroups('/data', {
      mount,
      self: `9:name=systemd:/\n0::${own}\n`,
      removeFolder: (path) => fs.rmSync(path, { recursive: true }),
    });
  const all = 'cpuset cpu io memory pids';
  const limits = { memoryMiB: 512, cpus: 1.5, processes: 100 };

  it('are made beside the own one, below the nearest that hands memory on', () => {
    group('', all, 'cpu memory pids');
    const slice = group('system.slice', all, 'cpu memory pids');
    group('system.slice/handoff.service', all, '', '17\n18');
    const command = found('/system.slice/handoff.service')?.confine('t-x', limits, ['flock', 'x']);
    const [made = ''] = fs.readdirSync(join(slice, 'handoff')).filter((name) => name.endsWith('.t-x'));
    const folder = join(slice, 'handoff', made);
    assert.deepEqual(command, [
      ...['/bin/sh', '-c', 'echo 0 >"$1" && shift && exec "$@"', 'sh', join(folder, 'cgroup.procs')],
      ...['flock', 'x'],
    ]);
    assert.deepEqual(told(folder), {
      'memory.max': '536870912',
      'memory.oom.group': '1',
      'memory.swap.max': '0',
      'pids.max': '100',
      'cpu.max': '150000 100000',
    });
    assert.equal(
      fs.readFileSync(join(slice, 'handoff/cgroup.subtree_control'), 'utf8'),
      '+memory +pids +cpu ',
    );
  });

  it('say which limits the kernel holds, and are gone when they were removed', async () => {
    group('', all, 'memory pids', '1');
    const groups = found('/');
    groups?.confine('t-x', limits, []);
    groups?.confine('t-y', { ...limits, cpus: undefined }, []);
    assert.deepEqual(
      ['t-x', 't-y', 't-z'].map((id) => groups?.held(id)),
      [
        { memory: true, cpus: true },
        { memory: true, cpus: false },
        { memory: false, cpus: false },
      ],
    );
    await groups?.remove('t-x');
    await groups?.remove('t-x');
    assert.deepEqual(
      fs
        .readdirSync(join(mount, 'handoff'))
        .map((name) => name.replace(/^[0-9a-f]{8}\./, ''))
        .toSorted(),
      ['cgroup.subtree_control', 't-y'],
    );
  });

  it('tell a sandbox that ran out of memory from one that did not, and begin anew with each start', () => {
    group('', all, 'cpu memory pids');
    const groups = found('/');
    groups?.confine('t-x', limits, []);
    const [made = ''] = fs.readdirSync(join(mount, 'handoff')).filter((name) => name.endsWith('.t-x'));
    const events = join(mount, 'handoff', made, 'memory.events');
    fs.writeFileSync(events, 'low 0\nmax 3\noom 0\noom_kill 0\noom_group_kill 0\n');
    const before = groups?.ranOutOfMemory('t-x');
    fs.writeFileSync(events, 'low 0\nmax 31\noom 1\noom_kill 4\noom_group_kill 1\n');
    const after = groups?.ranOutOfMemory('t-x');
    groups?.confine('t-x', limits, []);
    assert.deepEqual([before, after, groups?.ranOutOfMemory('t-x')], [false, true, false]);
  });

  it('switch controllers on where no process is in the way, and use no others', () => {
    group('', all, '');
    const empty = group('user', 'memory pids', 'pids');
    group('user/own', 'memory pids', '', '17');
    const groups = found('/user/own');
    groups?.confine('t-x', limits, []);
    assert.deepEqual(fs.readFileSync(join(empty, 'cgroup.subtree_control'), 'utf8'), 'pids\n+memory ');
    assert.deepEqual(groups?.held('t-x'), { memory: true, cpus: false });
  });

  it('of other data folders are others', () => {
    group('', all, 'memory');
    for (const data of ['/one', '/two']) {
      findCgroups(data, { mount, self: '0::/\n', removeFolder: () => {} })?.confine('t-x', limits, []);
    }
    assert.equal(fs.readdirSync(join(mount, 'handoff')).filter((name) => name.endsWith('.t-x')).length, 2);
  });

  it('are found where only the unified part of two versions is mounted', () => {
    group('unified', all, 'memory');
    assert.deepEqual(found('/')?.held('t-x'), { memory: false, cpus: false });
  });

  it('are not there where the kernel does not give them', () => {
    const firstVersion = found('/');
    group('', 'hugetlb', '');
    const withoutMemory = found('/');
    group('', all, 'memory');
    const outside = found('/../x');
    assert.deepEqual(
      { firstVersion, withoutMemory, outside },
      { firstVersion: undefined, withoutMemory: undefined, outside: undefined },
    );
  });
});
