import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { posix } from 'node:path';
import { SandboxError } from '../sandbox.ts';
import { type CallOf, CHUNK, MAX_FILE } from '../supervised/wire.ts';
import { fileFailure } from './failure.ts';
import { descriptor, locate, openAt, openFolder } from './paths.ts';

/** Larger files are not hashed, so not read: it would keep everything else waiting for seconds. */
const MAX_HASHED = 1 << 30;

/**
 * The agent's file operations. They are synchronous on purpose: each check and the write that it guards happen with
 * no other file operation of the relay in between, and on a local disk they are faster so.
 */
export interface Files {
  read(call: CallOf<'read'>): { value: { size: number; sha256: string }; body: Buffer };
  write(call: CallOf<'write'>, data: Buffer): { value: { sha256: string } };
}

/** @param root the workspace, free of symbolic links */
export function workspaceFiles(root: string): Files {
  return {
    read: (call) => named(call.path, () => readFile(root, call)),
    write: (call, data) => named(call.path, () => writeFile(root, call, data)),
  };
}

function named<Result>(path: string, operation: () => Result): Result {
  try {
    return operation();
  } catch (error) {
    throw fileFailure(error, path);
  }
}

function readFile(root: string, { path, range }: CallOf<'read'>): ReturnType<Files['read']> {
  const fd = openRegular(locate(root, path), path);
  try {
    const { size, sha256 } = digest(fd, path);
    const offset = Math.min(range?.offset ?? 0, size);
    const length = Math.min(range?.length ?? size, size - offset);
    if (length > MAX_FILE) {
      const most = `${MAX_FILE >> 20} MiB`;
      throw new SandboxError('too-large', `${path} has ${size} bytes; read at most ${most} of it at once.`);
    }
    const body = Buffer.alloc(length);
    const got = length === 0 ? 0 : fs.readSync(fd, body, 0, length, offset);
    return { value: { size, sha256 }, body: body.subarray(0, got) };
  } finally {
    fs.closeSync(fd);
  }
}

function writeFile(
  root: string,
  { path, expected }: CallOf<'write'>,
  data: Buffer,
): ReturnType<Files['write']> {
  const real = locate(root, path);
  if (real === root) throw new SandboxError('is-directory', `${path} is the workspace itself, not a file.`);
  const sha256 = createHash('sha256').update(data).digest('hex');
  const folder = openFolder(posix.dirname(real));
  try {
    const target = `${descriptor(folder)}/${posix.basename(real)}`;
    const present = look(target, path);
    if (present?.sha256 === sha256) return { value: { sha256 } };
    checkExpectation(path, expected, present?.sha256);
    replace(target, `${descriptor(folder)}/.handoff-${randomBytes(8).toString('hex')}`, data, {
      mode: present?.mode,
      mustNotExist: expected === null,
    });
    return { value: { sha256 } };
  } finally {
    fs.closeSync(folder);
  }
}

function checkExpectation(
  path: string,
  expected: string | null | undefined,
  present: string | undefined,
): void {
  if (expected === undefined || (expected === null && present === undefined) || expected === present) return;
  if (expected === null) {
    throw new SandboxError('exists', `${path} exists already. Read it first, then change it.`);
  }
  const what = present === undefined ? 'was removed' : 'changed';
  throw new SandboxError(
    'changed',
    `${path} ${what} since it was read. Read it again, then redo the change.`,
  );
}

/** Hash and permission bits of the file that is there, undefined for none. */
function look(target: string, path: string): { sha256: string; mode: number } | undefined {
  if (fs.lstatSync(target, { throwIfNoEntry: false }) === undefined) return undefined;
  const fd = openRegular(target, path, { byDescriptor: true });
  try {
    return { sha256: digest(fd, path).sha256, mode: fs.fstatSync(fd).mode & 0o777 };
  } finally {
    fs.closeSync(fd);
  }
}

/** Whole or not at all: a file beside it takes its name. */
function replace(
  target: string,
  temporary: string,
  data: Buffer,
  options: { mode: number | undefined; mustNotExist: boolean },
): void {
  try {
    fs.writeFileSync(temporary, data, { flag: 'wx', mode: 0o644 });
    if (options.mode !== undefined) fs.chmodSync(temporary, options.mode);
    // A link, unlike a rename, fails where a command has made the file since we looked.
    if (options.mustNotExist) fs.linkSync(temporary, target);
    else fs.renameSync(temporary, target);
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** Opens a regular file; a FIFO neither blocks nor passes. */
function openRegular(real: string, path: string, options: { byDescriptor?: boolean } = {}): number {
  const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;
  const fd = options.byDescriptor ? fs.openSync(real, flags | fs.constants.O_NOFOLLOW) : openAt(real, flags);
  const stat = fs.fstatSync(fd);
  if (stat.isFile()) return fd;
  fs.closeSync(fd);
  if (stat.isDirectory()) throw new SandboxError('is-directory', `${path} is a folder, not a file.`);
  throw new SandboxError('not-a-file', `${path} is neither a file nor a folder.`);
}

function digest(fd: number, path: string): { size: number; sha256: string } {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, fs.fstatSync(fd).size)));
  let size = 0;
  for (;;) {
    if (Math.max(size, fs.fstatSync(fd).size) > MAX_HASHED)
      throw new SandboxError(
        'too-large',
        `${path} is larger than ${MAX_HASHED >> 20} MiB; use a command on it instead.`,
      );
    const got = fs.readSync(fd, buffer, 0, buffer.length, size);
    if (got === 0) return { size, sha256: hash.digest('hex') };
    hash.update(buffer.subarray(0, got));
    size += got;
  }
}
