import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SandboxError } from '../sandbox.ts';
import { PROGRAMS, RUNTIME } from './places.ts';

/** The programs of ours that run inside. */
export interface Programs {
  /** The bundle of `supervisor/container.ts`. */
  supervisor: string;
  /** The bundle of `supervisor/stdio.ts`. */
  bridge: string;
}

/**
 * Puts in place what containers are given read-only. Names stay and contents are replaced, whole: a container that sleeps wakes with
 * the programs of the relay that wakes it, although its mounts were fixed when it was made.
 * @param folder on the host; that is what is mounted
 * @param node absent where the image brings its own
 * @param ripgrep absent where the image must bring it
 */
export async function installRuntime(
  folder: string,
  what: { programs: Programs; node: string | undefined; ripgrep: Buffer | undefined },
): Promise<void> {
  const at = (inside: string): string => join(folder, inside.slice(RUNTIME.length));
  for (const path of [folder, at(PROGRAMS.bin)]) {
    await fs.mkdir(path, { recursive: true });
    await fs.chmod(path, 0o755);
  }
  await put(at(PROGRAMS.supervisor), await readProgram(what.programs.supervisor), 0o644);
  await put(at(PROGRAMS.bridge), await readProgram(what.programs.bridge), 0o644);
  if (what.ripgrep !== undefined) await put(join(at(PROGRAMS.bin), 'rg'), what.ripgrep, 0o755);
  if (what.node !== undefined) await putNode(at(PROGRAMS.node), what.node);
}

async function readProgram(path: string): Promise<Buffer> {
  try {
    return await fs.readFile(path);
  } catch (cause) {
    const message = `The program that runs inside sandboxes cannot be read: ${path}`;
    throw new SandboxError('unavailable', message, { cause, nextAction: 'npm run build' });
  }
}

async function put(path: string, content: Buffer, mode: number): Promise<void> {
  const there = await fs.readFile(path).catch(() => undefined);
  if (there?.equals(content)) return;
  await replace(path, mode, (temporary) => fs.writeFile(temporary, content));
}

/** It has a hundred megabytes, so it is known by size and time; on most file systems the copy shares its blocks. */
async function putNode(path: string, node: string): Promise<void> {
  const wanted = await fs.stat(node);
  const there = await fs.stat(path).catch(() => undefined);
  if (there?.size === wanted.size && Math.abs(there.mtimeMs - wanted.mtimeMs) < 1_000) return;
  await replace(path, 0o755, async (temporary) => {
    await fs.copyFile(node, temporary, fs.constants.COPYFILE_FICLONE);
    await fs.utimes(temporary, wanted.atime, wanted.mtime);
  });
}

/** Whole or not at all, also with two relays at it. */
async function replace(
  path: string,
  mode: number,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    await write(temporary);
    await fs.chmod(temporary, mode);
    await fs.rename(temporary, path);
  } finally {
    await fs.rm(temporary, { force: true });
  }
}
