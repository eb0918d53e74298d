import { randomUUID } from 'node:crypto';
import {
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { locate } from '../protocol/capture-git.ts';
import { quoted } from '../protocol/capture-work.ts';
import type { Stored } from './apply-plan.ts';
import { CliError } from './command.ts';
import { captureDeps, runGit } from './git.ts';

/** Something is there that is neither file nor link, or the way to it leads through one. */
export const IN_THE_WAY = 'in the way';

export interface WorkingTree {
  /** What is at a path, as Git would store it. `known` are contents that need no conversion if they are the very ones. */
  read(repoPath: string, known: readonly (Stored | null)[]): Promise<Stored | null | typeof IN_THE_WAY>;
  /** Whole or not at all, as Git would check it out; other permissions of what is there stay. */
  write(repoPath: string, stored: Stored): Promise<void>;
  /** Folders that it leaves empty go with it. */
  remove(repoPath: string): Promise<void>;
  close(): Promise<void>;
}

const LINK = '120000';
const EXECUTABLE = 0o111;

/** The files of a repository's working tree; its index, objects and HEAD are not touched. */
export async function openWorkingTree(toplevel: string): Promise<WorkingTree> {
  const place = await locate(captureDeps, toplevel);
  const temp = await mkdtemp(path.join(tmpdir(), 'handoff-apply-'));
  const env = {
    GIT_OPTIONAL_LOCKS: '0',
    GIT_OBJECT_DIRECTORY: temp,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(place.objects),
  };
  const git = async (args: string[], input?: Uint8Array): Promise<Buffer> => {
    const options = ['-C', toplevel, '-c', 'core.safecrlf=false', ...args];
    const ran = await runGit(options, input === undefined ? { env } : { env, input });
    if (ran.exitCode === 0) return Buffer.from(ran.stdout);
    throw new CliError(
      `Git could not convert a file: ${ran.stderr.trim()}`,
      'Mend what Git names, then try again.',
    );
  };
  const store = async (options: string[], bytes: Uint8Array): Promise<string> =>
    (await git(['hash-object', '-w', '--stdin', ...options], bytes)).toString().trim();
  const at = (repoPath: string): string => path.join(toplevel, repoPath);

  /** Whether all folders above it are folders: a link among them would lead elsewhere. */
  async function isReachable(repoPath: string): Promise<boolean> {
    for (let folder = path.dirname(repoPath); folder !== '.'; folder = path.dirname(folder)) {
      const info = await lstat(at(folder)).catch(missing);
      if (info !== undefined && !info.isDirectory()) return false;
    }
    return true;
  }

  return {
    async read(repoPath, known) {
      if (!(await isReachable(repoPath))) return IN_THE_WAY;
      const info = await lstat(at(repoPath)).catch(missing);
      if (info === undefined) return null;
      if (info.isSymbolicLink()) return { mode: LINK, bytes: await readlink(at(repoPath), 'buffer') };
      if (!info.isFile()) return IN_THE_WAY;
      const bytes = await readFile(at(repoPath));
      const isExecutable =
        process.platform === 'win32' ? known[0]?.mode === '100755' : (info.mode & 0o100) !== 0;
      const mode = isExecutable ? '100755' : '100644';
      if (known.some((stored) => stored?.bytes.equals(bytes))) return { mode, bytes };
      const oid = await store([`--path=${repoPath}`], bytes);
      return { mode, bytes: await git(['cat-file', 'blob', oid]) };
    },

    async write(repoPath, { mode, bytes }) {
      await mkdir(path.dirname(at(repoPath)), { recursive: true });
      const beside = path.join(path.dirname(at(repoPath)), `.handoff-${randomUUID()}`);
      try {
        if (mode === LINK) await symlink(bytes, beside);
        else {
          const oid = await store(['--no-filters'], bytes);
          const content = await git(['cat-file', '--filters', `--path=${repoPath}`, oid]);
          const before = await lstat(at(repoPath)).catch(missing);
          const kept = before?.isFile() ? before.mode & 0o777 & ~EXECUTABLE : 0o666 & ~process.umask();
          // Who may read it may run it.
          const permissions = mode === '100755' ? kept | ((kept & 0o444) >> 2) : kept;
          await writeFile(beside, content, { flag: 'wx', mode: permissions });
        }
        await rename(beside, at(repoPath));
      } finally {
        await rm(beside, { force: true });
      }
    },

    async remove(repoPath) {
      await rm(at(repoPath), { force: true });
      for (let folder = path.dirname(repoPath); folder !== '.'; folder = path.dirname(folder)) {
        const isEmptied = await rmdir(at(folder)).then(
          () => true,
          () => false,
        );
        if (!isEmptied) return;
      }
    },

    close: () => rm(temp, { recursive: true, force: true }),
  };
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
