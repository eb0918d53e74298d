import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What an image has, besides what this host has in /usr. */
export interface ImageTools {
  node: 'current' | 'old' | 'none';
  git: boolean;
  ripgrep: boolean;
}

export const ALL_TOOLS: ImageTools = { node: 'current', git: true, ripgrep: true };

/** What an image without some tool has of /usr instead of all of it. */
const BASICS =
  'bash sh env cat cut chmod cp echo false grep head kill ls mkdir mkfifo mv pgrep printf rm sed seq sleep sort tail touch tr true uname wc';

/** One machine: processes and a network of its own, which end when it stops, and a home folder, which stays. */
export interface Machine {
  /** Where the daemon inside listens, while it runs. */
  readonly socket: string;
  start(): Promise<void>;
  /** Kills all that runs in it. */
  stop(): Promise<void>;
  /** Makes a copy of its files. */
  copyTo(folder: string): Promise<void>;
  remove(): Promise<void>;
}

const DAEMON = fileURLToPath(new URL('daemon.ts', import.meta.url));
const HOME = '/home/daytona';
/** Milliseconds for the daemon to listen. */
const START_PATIENCE = 20_000;

/**
 * @param folder where its files are; made if it is not there. Its path is short, for it has a Unix socket.
 * @param onEnd hears that it ended by itself: its daemon was killed from inside
 */
export async function createMachine(
  folder: string,
  { from, tools, onEnd }: { from?: string | undefined; tools: ImageTools; onEnd: () => void },
): Promise<Machine> {
  const home = join(folder, 'home');
  const control = join(folder, 'control');
  const socket = join(control, 'daemon');
  await mkdir(folder, { recursive: true });
  if (from === undefined) await mkdir(home);
  else await cp(from, home, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  await mkdir(join(control, 'bin'), { recursive: true });
  await installTools(join(control, 'bin'), tools);
  const hasAll = Object.entries(ALL_TOOLS).every(
    ([name, value]) => tools[name as keyof ImageTools] === value,
  );
  let running: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    // Its first process dies with it, and with that one all others.
    child.kill('SIGKILL');
    await exited;
    await silent(socket);
  };

  return {
    socket,

    async start() {
      await rm(socket, { force: true });
      running = spawn(
        'bwrap',
        [
          ...['--unshare-user', '--uid', '1000', '--gid', '1000'],
          ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--die-with-parent', '--new-session'],
          ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
          ...['--tmpfs', '/home', '--bind', home, HOME, '--bind', control, control, '--chdir', HOME],
          '--clearenv',
          ...['--setenv', 'HOME', HOME, '--setenv', 'LANG', 'C.UTF-8'],
          ...['--setenv', 'PATH', `${control}/bin${hasAll ? ':/usr/local/bin:/usr/bin:/bin' : ''}`],
          ...[process.execPath, DAEMON, socket],
        ],
        { stdio: ['ignore', 'inherit', 'inherit'] },
      );
      const child = running;
      child.on('exit', () => {
        if (running === child) onEnd();
      });
      await listening(socket, child);
    },

    stop,

    copyTo: (target) =>
      cp(home, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true }),

    async remove() {
      await stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function installTools(bin: string, { node, git, ripgrep }: ImageTools): Promise<void> {
  const basics = BASICS.split(' ').map((name) => `/usr/bin/${name}`);
  const more = [...(git ? ['/usr/bin/git'] : []), ...(ripgrep ? ['/usr/bin/rg'] : [])];
  for (const path of [...basics, ...more]) await symlink(path, join(bin, basename(path)));
  if (node === 'current') await symlink(process.execPath, join(bin, 'node'));
  if (node === 'old') await writeFile(join(bin, 'node'), '#!/bin/sh\necho v18.20.0\n', { mode: 0o755 });
}

async function listening(socket: string, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + START_PATIENCE; Date.now() < deadline; await sleep(5)) {
    if (child.exitCode !== null)
      throw new Error(`the machine ended with ${child.exitCode} instead of starting`);
    if (await answers(socket)) return;
  }
  throw new Error('the machine does not start');
}

/** The daemon's end is a moment behind that of the process outside. */
async function silent(socket: string): Promise<void> {
  while (await answers(socket)) await sleep(5);
}

async function answers(path: string): Promise<boolean> {
  const attempt = connect({ path });
  try {
    await once(attempt, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    attempt.destroy();
  }
}
