import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createGit } from '../../../server/repo/git.ts';
import { prepareSource } from '../../../server/repo/source.ts';

/** A folder of the test's own, removed when the test's scope ends. */
export function temporaryFolder(): Disposable & { path: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'handoff-repo-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Native Git as a person would run it, in an environment of its own. */
export function git(cwd: string, args: string[], input?: string | Uint8Array): string {
  return gitBytes(cwd, args, input).toString().trim();
}

export function gitBytes(
  cwd: string,
  args: string[],
  input?: string | Uint8Array,
  env: Record<string, string> = {},
): Buffer {
  return execFileSync('git', args, {
    cwd,
    ...(input === undefined ? {} : { input }),
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
    env: {
      PATH: process.env.PATH,
      HOME: cwd,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      GIT_AUTHOR_DATE: '@1700000000 +0000',
      GIT_COMMITTER_DATE: '@1700000000 +0000',
      ...env,
    },
  });
}

/** A file's content, `{exec}` for an executable one, `{link}` for a symbolic link, null for "remove". */
export type Content = string | Uint8Array | { exec: string } | { link: string } | null;
export type Files = Record<string, Content>;

export function writeFiles(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const target = path.join(folder, name);
    rmSync(target, { recursive: true, force: true });
    if (content === null) continue;
    mkdirSync(path.dirname(target), { recursive: true });
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(target, content);
    else if ('link' in content) symlinkSync(content.link, target);
    else {
      writeFileSync(target, content.exec);
      chmodSync(target, 0o755);
    }
  }
}

/** Commits everything in the folder as it is; answers with the commit. */
export function commitAll(folder: string, message: string): string {
  git(folder, ['add', '--all', '--force', '.']);
  git(folder, ['commit', '--quiet', '--allow-empty', '-m', message]);
  return git(folder, ['rev-parse', 'HEAD']);
}

/** A person's clone with two commits; the second holds `files`. */
export function makeClone(folder: string, files: Files): { clone: string; commit: string; url: string } {
  const clone = path.join(folder, 'clone');
  mkdirSync(clone, { recursive: true });
  git(clone, ['init', '--quiet', '-b', 'main']);
  // What is committed is what was written, whatever `.gitattributes` says.
  writeFiles(clone, { '.git/info/attributes': '* -text -eol -filter -ident -working-tree-encoding\n' });
  writeFiles(clone, { 'first.txt': 'the first commit\n' });
  commitAll(clone, 'first');
  writeFiles(clone, files);
  return { clone, commit: commitAll(clone, 'second'), url: pathToFileURL(clone).href };
}

export function repoDeps(folder: string) {
  return {
    git: createGit({ dataDir: path.join(folder, 'data') }),
    reposDir: path.join(folder, 'repos'),
    allowFileUrls: true,
  };
}

/** A task whose base has `base` and whose proposal `head`, made in its repository as a capture would leave it. */
export async function makeProposal(folder: string, base: Files, head: Files) {
  const deps = repoDeps(folder);
  const { clone, commit, url } = makeClone(folder, base);
  const source = { url, commit, overlay: [] };
  const { baseTree, baseCommit } = await prepareSource(deps, { taskId: 'task-1', source });
  writeFiles(clone, head);
  const headTree = git(clone, ['rev-parse', `${commitAll(clone, 'proposal')}^{tree}`]);
  const repo = path.join(deps.reposDir, 'task-1.git');
  git(repo, ['fetch', '--quiet', clone, 'HEAD:refs/test/proposal']);
  return { deps, taskId: 'task-1', baseTree, baseCommit, headTree, repo, clone };
}

/** Every path of a tree: `mode oid` by name. */
export function listing(repo: string, tree: string): Record<string, string> {
  const lines = gitBytes(repo, ['ls-tree', '-r', '-z', '--full-tree', tree]).toString().split('\0');
  return Object.fromEntries(
    lines.filter(Boolean).map((line) => {
      const [entry = '', name = ''] = line.split('\t');
      const [mode, , oid] = entry.split(' ');
      return [name, `${mode} ${oid}`];
    }),
  );
}

/** Every path of a tree with its content. */
export function contents(repo: string, tree: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(listing(repo, tree)).map(([name, entry]) => {
      const [mode = '', oid = ''] = entry.split(' ');
      return [name, `${mode} ${gitBytes(repo, ['cat-file', 'blob', oid]).toString('latin1')}`];
    }),
  );
}
