import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeContainer, type Mount, type State, startTicksOf } from './state.ts';

/** What the images of this double are made of: the programs of the machine. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** The descriptor on which bwrap tells which process is the first. */
const INFO_FD = 3;

/**
 * A command in a container: in bubblewrap, only so that it finds its paths where it expects them. No limit that was asked for holds,
 * but "no network" does, and who runs is nobody's root.
 */
function inside(container: FakeContainer, command: string[], more: string[] = []): string[] {
  const rootFolders = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => {
    const stat = fs.lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return stat.isSymbolicLink()
      ? ['--symlink', fs.readlinkSync(`/${name}`), `/${name}`]
      : ['--ro-bind', `/${name}`, `/${name}`];
  });
  const bind = ({ source, destination, readOnly }: Mount): string[] => [
    readOnly ? '--ro-bind' : '--bind',
    source,
    destination,
  ];
  return [
    ...[
      '--unshare-user',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--uid',
      '1000',
      '--gid',
      '1000',
    ],
    ...(container.network === 'none' ? ['--unshare-net'] : []),
    ...[
      '--ro-bind',
      '/usr',
      '/usr',
      ...rootFolders,
      '--ro-bind-try',
      '/etc/alternatives',
      '/etc/alternatives',
    ],
    ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...container.mounts.flatMap(bind),
    ...more,
    ...['--clearenv', '--setenv', 'PATH', PATH],
    ...Object.entries(container.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--chdir', container.workdir, '--', ...command],
  ];
}

/** Starts a container's own command, so that it outlives this process. */
export async function startContainer(state: State, container: FakeContainer): Promise<void> {
  const log = fs.openSync(state.logPath(container), 'a');
  const args = ['--info-fd', String(INFO_FD), ...inside(container, container.command)];
  const child = spawn('bwrap', args, { detached: true, cwd: '/', stdio: ['ignore', log, log, 'pipe'] });
  const info = child.stdio[INFO_FD];
  if (info === null || info === undefined || !('setEncoding' in info))
    throw new Error('no pipe for the first process');
  let told = '';
  info.on('data', (chunk: Buffer) => {
    told += chunk;
  });
  await once(info, 'end');
  const pid = Number(/"child-pid": (\d+)/.exec(told)?.[1]);
  const startTicks = startTicksOf(pid);
  // One that died at once has exited, which is what engines say of it, too.
  const startedAt = new Date().toISOString();
  const { exitCode: _, ...fresh } = container;
  state.save({
    ...fresh,
    status: 'running',
    startedAt,
    process: { pid, startTicks: startTicks ?? 'dead' },
  });
  child.unref();
}

/** Kills a container's first process, and with it all others. */
export async function killContainer(container: FakeContainer): Promise<void> {
  const { process: first } = container;
  while (first !== undefined && startTicksOf(first.pid) === first.startTicks) {
    try {
      process.kill(first.pid, 'SIGKILL');
    } catch {
      return; // It has died by itself.
    }
    await sleep(2);
  }
}

/** Runs another command in a container, joined to this process; resolves to its exit code. */
export async function joinContainer(container: FakeContainer, command: string[]): Promise<number> {
  const child = spawn('bwrap', inside(container, command, ['--die-with-parent']), {
    cwd: '/',
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 137;
}

/** Runs a command of its own on volumes, with the rights that root in a container has on them. */
export function runOnce(container: FakeContainer): SpawnSyncReturns<Buffer> {
  const args = inside(container, container.command, ['--cap-add', 'ALL']);
  return spawnSync('bwrap', args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
}
