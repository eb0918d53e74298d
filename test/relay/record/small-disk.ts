import { execFile } from 'node:child_process';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A disk of its own in a folder, small enough to be filled. */
export interface SmallDisk {
  /** Leaves no byte of room. */
  fill(): Promise<void>;
  /** Gives back what `fill` took. */
  empty(): Promise<void>;
  unmount(): Promise<void>;
}

/** @returns why there can be none, where this machine does not permit to mount */
export async function mountSmallDisk(folder: string, megabytes: number): Promise<SmallDisk | string> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=711`, 'tmpfs', folder]);
  } catch (error) {
    return `a small disk cannot be mounted here: ${error instanceof Error ? error.message : error}`;
  }
  const filler = join(folder, 'filler');
  return {
    async fill() {
      const { bavail, bsize } = await statfs(folder);
      await using file = await open(filler, 'w');
      const piece = Buffer.alloc(2 ** 20);
      for (let left = bavail * bsize; left > 0; left -= piece.length) {
        await file.write(piece, 0, Math.min(left, piece.length));
      }
    },
    empty: () => rm(filler, { force: true }),
    async unmount() {
      await run('umount', ['--lazy', folder]);
    },
  };
}
