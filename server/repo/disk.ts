import { statfs } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import type { Failure } from '../protocol/errors.ts';

/**
 * A disk with less room (bytes) than this is full: what failed for want of room has given back by now what it had taken. And files:
 * a repository and a sandbox are many small ones.
 */
const LEAST_BYTES = 64 * 2 ** 20;
const LEAST_FILES = 200;

/** Whether any of the folders is on a disk that is full. */
export async function isFull(folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    const disk = await statfs(folder).catch(() => undefined);
    if (disk === undefined) continue;
    // A file system that counts no files says that there are none.
    const lacksFiles = disk.files > 0 && disk.ffree < LEAST_FILES;
    if (disk.bavail * disk.bsize < LEAST_BYTES || lacksFiles) return true;
  }
  return false;
}

/**
 * Whether something failed because a disk is full. Git says so in prose only, and so do programs in a sandbox: there the disk is
 * asked. Where it is full, whatever failed for another reason fails again when there is room.
 */
export async function isForWantOfRoom(error: unknown, folders: readonly string[]): Promise<boolean> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')) return true;
  }
  return isFull(folders);
}

export const DISK_FULL: Failure = {
  code: 'disk_full',
  message: 'The disk that has the relay’s repositories and sandboxes is full.',
  nextAction: 'Free space on it. What waits goes on by itself.',
};

/** What was not foreseen may have failed for want of room. */
export async function explainByDisk(thrown: Error, folders: readonly string[]): Promise<Error> {
  if (thrown instanceof AppError) return thrown;
  return (await isForWantOfRoom(thrown, folders)) ? diskFull(thrown) : thrown;
}

export const diskFull = (cause: unknown): AppError =>
  new AppError('disk_full', DISK_FULL.message, {
    cause,
    nextAction: 'Free space on it, then try again. What waits goes on by itself.',
  });
