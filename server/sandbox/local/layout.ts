import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { SandboxError } from '../sandbox.ts';

/** Characters of a Unix socket's path: the kernel's limit of 108 with its final NUL. */
const MAX_SOCKET_PATH = 107;

/** One sandbox on the host's disk, all of it below `root`. */
export interface SandboxPlace {
  id: string;
  root: string;
  /** The supervisor's records; belongs to the sandbox's user. */
  state: string;
  /** What it does not see: what it was created as (`meta.ts`). */
  meta: string;
  lock: string;
  /** Holds the path of the control socket, which depends on the TMPDIR of the relay that started it. */
  socket: string;
  /** Which process is its first. */
  process: string;
}

/** The folders that a sandbox writes to and sees again after hibernation; a layer consists of the same. */
export interface Files {
  workspace: string;
  home: string;
  scratch: string;
}

export function filesAt(root: string): Files {
  return { workspace: `${root}/workspace`, home: `${root}/home`, scratch: `${root}/scratch` };
}

/** Where the provider keeps everything, all of it on one file system. */
export interface Layout {
  /** All sandboxes, each in a folder named by its id. */
  sandboxes: string;
  /** Files that nobody writes to any more, each in a folder named by a layer's id. */
  layers: string;
  /** Which layers a snapshot is made of, a file each. */
  snapshots: string;
  /** What sandboxes are started with: supervisor, filter, small files of /etc. */
  runtime: string;
  /** Removed sandboxes on their way out. */
  trash: string;
  place(id: string): SandboxPlace;
}

export function layoutOf(dataDir: string): Layout {
  const sandboxes = `${dataDir}/sandboxes`;
  return {
    sandboxes,
    layers: `${sandboxes}/.layers`,
    snapshots: `${sandboxes}/.snapshots`,
    runtime: `${sandboxes}/.runtime`,
    trash: `${sandboxes}/.trash`,
    place(id) {
      if (!isSandboxId(id)) throw new SandboxError('not-found', 'That is not the id of a local sandbox.');
      const root = `${sandboxes}/${id}`;
      return placeAt(id, root);
    },
  };
}

/** The files of a sandbox that is at `root`, or being made there. */
export function placeAt(id: string, root: string): SandboxPlace {
  return {
    id,
    root,
    state: `${root}/state`,
    meta: `${root}/meta.json`,
    lock: `${root}/lock`,
    socket: `${root}/socket`,
    process: `${root}/process.json`,
  };
}

/** The id of a task's sandbox: a readable beginning, and a hash for what that leaves out. */
export function sandboxIdOf(taskId: string): string {
  const readable = taskId.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 24);
  return `t-${readable}-${hash(taskId, 12)}`;
}

export function isSandboxId(id: string): boolean {
  return /^t-[A-Za-z0-9-]{1,40}$/.test(id);
}

/** Short-lived places outside the data folder: Unix sockets need short paths. */
export interface RuntimeDirs {
  /** Only for the relay's own user. */
  sockets: string;
  /** An empty folder that any user can reach, to mount `sandboxes` on where they cannot reach that. */
  mountPoint: string;
  /** The same for toolchains, each in a folder named by a number. */
  toolchains: string;
}

/**
 * Makes them, or checks that those which are there are ours: the folder's parent belongs to everybody.
 * @throws SandboxError `unavailable`
 */
export function runtimeDirs(dataDir: string, uid: number): RuntimeDirs {
  const root = `${fs.realpathSync(tmpdir())}/handoff-${uid}-${hash(fs.realpathSync(dataDir), 8)}`;
  const sockets = `${root}/s`;
  const mountPoint = `${root}/m`;
  const toolchains = `${root}/t`;
  for (const [path, mode] of [
    [root, 0o711],
    [sockets, 0o700],
    [mountPoint, 0o711],
    [toolchains, 0o711],
  ] as const) {
    fs.mkdirSync(path, { recursive: true });
    const stat = fs.lstatSync(path);
    if (!stat.isDirectory() || stat.uid !== uid) {
      throw new SandboxError('unavailable', `${path} belongs to another user.`, {
        nextAction: `Remove it, or set TMPDIR to a folder of your own: sudo rm -r ${path}`,
      });
    }
    if ((stat.mode & 0o777) !== mode) fs.chmodSync(path, mode);
  }
  return { sockets, mountPoint, toolchains };
}

/** @throws SandboxError `unavailable` where the kernel would not take so long a path */
export function socketPath(dirs: RuntimeDirs, id: string): string {
  const path = `${dirs.sockets}/${hash(id, 12)}`;
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH - '.new'.length) return path;
  throw new SandboxError('unavailable', `The path of the control socket is too long: ${path}`, {
    nextAction: 'Set TMPDIR to a folder with a shorter path, for example TMPDIR=/tmp.',
  });
}

function hash(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
