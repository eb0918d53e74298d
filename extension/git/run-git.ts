import { spawn } from 'node:child_process';
import { copyFile, lstat, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CaptureDeps } from '../../server/protocol/capture-git.ts';

export type Git = CaptureDeps['git'];

/** Git as a child process, by its path. A shell never sees the arguments. */
export function gitAt(gitPath: string): Git {
  return (args, { env = {}, input } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(gitPath, args, { env: { ...cleanEnv(process.env), ...env }, windowsHide: true });
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      child.on('error', reject);
      // Git may end before it has read everything; its exit code tells the story.
      child.stdin.on('error', () => {});
      child.on('close', (code) =>
        resolve({
          exitCode: code ?? -1,
          stdout: Buffer.concat(stdout),
          stderr: Buffer.concat(stderr).toString('utf8'),
        }),
      );
      child.stdin.end(input ?? '');
    });
}

/** What `captureSource` needs, with the real machine behind it. */
export function captureDeps(gitPath: string): CaptureDeps {
  return {
    git: gitAt(gitPath),
    makeTempDir: () => mkdtemp(path.join(tmpdir(), 'handoff-capture-')),
    removeDir: (dir) => rm(dir, { recursive: true, force: true, maxRetries: 3 }),
    copyFile: async (from, to) => {
      const { mtime } = await stat(from).catch(missing);
      if (mtime === undefined) return false;
      await copyFile(from, to);
      const seconds = Math.floor(mtime.getTime() / 1000);
      await utimes(to, seconds, seconds);
      return true;
    },
    fileSize: async (file) => (await lstat(file).catch(missing)).size,
  };
}

/** `git rev-parse --local-env-vars`: set where a Git hook started the editor, and about that hook's repository. */
const LOCAL_ENV = new Set([
  ...['GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_COMMON_DIR', 'GIT_CONFIG', 'GIT_CONFIG_COUNT'],
  ...['GIT_CONFIG_PARAMETERS', 'GIT_DIR', 'GIT_GRAFT_FILE', 'GIT_IMPLICIT_WORK_TREE', 'GIT_INDEX_FILE'],
  ...['GIT_NO_REPLACE_OBJECTS', 'GIT_OBJECT_DIRECTORY', 'GIT_PREFIX', 'GIT_REPLACE_REF_BASE'],
  ...['GIT_SHALLOW_FILE', 'GIT_WORK_TREE'],
]);

function cleanEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !LOCAL_ENV.has(name)));
}

function missing(error: NodeJS.ErrnoException): { mtime?: undefined; size?: undefined } {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return {};
  throw error;
}
