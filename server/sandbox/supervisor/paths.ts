import fs from 'node:fs';
import { posix } from 'node:path';
import { SandboxError } from '../sandbox.ts';

/** As many as the kernel follows. */
const MAX_LINKS = 40;

/**
 * The place that a path of the agent really names: absolute, free of symbolic links; what does not exist yet is appended
 * as it is. A link that leads out of the workspace is refused even when nothing is there.
 * @param root the workspace, itself free of symbolic links
 * @throws SandboxError `outside-workspace`
 */
export function locate(root: string, path: string): string {
  if (path.includes('\0')) throw new SandboxError('failed', 'A path cannot contain a NUL character.');
  const asked = posix.resolve(root, path);
  if (!within(root, asked)) throw outside(path);
  const real = followLinks(asked);
  if (!within(root, real)) throw outside(path, real);
  return real;
}

function within(root: string, path: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

function outside(path: string, target?: string): SandboxError {
  const why = target === undefined ? 'is' : `leads, through a symbolic link, to ${target}, which is`;
  return new SandboxError(
    'outside-workspace',
    `${path} ${why} outside the workspace. Use a path relative to the workspace, without "..".`,
  );
}

function followLinks(path: string): string {
  const rest = path.split('/').filter((part) => part !== '');
  let at = '/';
  let links = 0;
  while (rest.length > 0) {
    const part = rest.shift() ?? '';
    if (part === '..') {
      at = posix.dirname(at);
      continue;
    }
    const next = posix.join(at, part);
    const target = readLink(next);
    if (target === undefined) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new SandboxError('not-found', `${path} is a loop of symbolic links.`);
    if (target.startsWith('/')) at = '/';
    rest.unshift(...target.split('/').filter((piece) => piece !== '' && piece !== '.'));
  }
  return at;
}

/** The target of a symbolic link; undefined for anything else, be it nothing at all. */
function readLink(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Opens what `locate` found, and makes sure that it is that: a component which became a symbolic link in between is
 * noticed by asking the kernel where the descriptor leads. The caller closes it.
 */
export function openAt(real: string, flags: number): number {
  const fd = fs.openSync(real, flags | fs.constants.O_NOFOLLOW);
  if (fs.readlinkSync(descriptor(fd)) === real) return fd;
  fs.closeSync(fd);
  throw new SandboxError('changed', `${real} changed while it was being opened; try again.`);
}

/** A path that means an open descriptor, whatever happens to the names that led to it. */
export function descriptor(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Opens a folder, making what is missing on the way to it. The caller closes it. */
export function openFolder(real: string): number {
  const flags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;
  const missing: string[] = [];
  let existing = real;
  while (fs.lstatSync(existing, { throwIfNoEntry: false }) === undefined) {
    missing.unshift(posix.basename(existing));
    existing = posix.dirname(existing);
  }
  let fd = openAt(existing, flags);
  for (const name of missing) {
    const parent = fd;
    try {
      const path = `${descriptor(parent)}/${name}`;
      fs.mkdirSync(path);
      fd = fs.openSync(path, flags | fs.constants.O_NOFOLLOW);
    } finally {
      fs.closeSync(parent);
    }
  }
  return fd;
}
