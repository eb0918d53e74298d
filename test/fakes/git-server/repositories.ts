import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { FIXTURE_IDENTITY, git, ISOLATED_GIT } from '../git.ts';
import { commitAll } from '../sample.ts';

const run = promisify(execFile);

/** What a repository begins with: the files of a folder, or files by path. */
export type Content = { directory: string } | { files: Record<string, string> };

/** Bare repositories in one folder, `owner/name.git`, as a Git host keeps them. */
export interface Repositories {
  root: string;
  /** Creates `owner/name` with one commit on `main`. */
  add(owner: string, name: string, content: Content): Promise<void>;
  /** Runs Git in the bare repository; resolves with stdout without the last newline. */
  git(owner: string, name: string, args: string[]): Promise<string>;
  /** The commit that a branch points at; `undefined` where there is no such branch or repository. */
  branch(owner: string, name: string, branch: string): Promise<string | undefined>;
  remove(): Promise<void>;
}

export async function createRepositories(): Promise<Repositories> {
  const root = await mkdtemp(join(tmpdir(), 'handoff-git-server-'));
  const pathOf = (owner: string, name: string) => join(root, owner, `${name}.git`);

  const gitIn = async (owner: string, name: string, args: string[]) => {
    const env = { ...process.env, ...ISOLATED_GIT, ...FIXTURE_IDENTITY };
    const options = { cwd: pathOf(owner, name), env, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await run('git', args, options);
    return stdout.replace(/\n$/, '');
  };

  return {
    root,
    add: async (owner, name, content) => {
      const work = await mkdtemp(join(tmpdir(), 'handoff-git-import-'));
      try {
        if ('directory' in content) await cp(content.directory, work, { recursive: true });
        else await writeFiles(work, content.files);
        await commitAll(work);
        await mkdir(join(root, owner), { recursive: true });
        await git(root, ['clone', '--quiet', '--bare', '--no-local', work, pathOf(owner, name)]);
      } finally {
        await rm(work, { recursive: true, force: true });
      }
      await gitIn(owner, name, ['remote', 'remove', 'origin']);
      // A host takes pushes, and gives any commit that is asked for by name.
      await gitIn(owner, name, ['config', 'http.receivepack', 'true']);
      await gitIn(owner, name, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
      await gitIn(owner, name, ['config', 'uploadpack.allowFilter', 'true']);
    },
    git: gitIn,
    branch: (owner, name, branch) =>
      gitIn(owner, name, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]).catch(() => undefined),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

async function writeFiles(directory: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}
