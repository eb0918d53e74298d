import { spawn } from 'node:child_process';
import { copyFile, lstat, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CaptureDeps } from '../protocol/capture-git.ts';

type RunGit = CaptureDeps['git'];

/** As `CaptureDeps.git` says; no question is ever asked of the terminal. */
export const runGit: RunGit = (args, { env = {}, input } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn('git', args, { env: { ...cleanEnvironment(), ...env }, stdio: 'pipe' });
    const stdout: Uint8Array[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Uint8Array) => stdout.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A git that ends without reading everything says why by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ exitCode: code ?? 1, stdout: new Uint8Array(Buffer.concat(stdout)), stderr });
    });
  });

/** Inherited `GIT_DIR` and the like (a hook runs with them) would point at another repository. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(entries), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}

export const captureDeps: CaptureDeps = {
  git: runGit,
  makeTempDir: () => mkdtemp(path.join(tmpdir(), 'handoff-capture-')),
  removeDir: (folder) => rm(folder, { recursive: true, force: true }),
  copyFile: async (from, to) => {
    try {
      const { mtimeMs } = await stat(from);
      await copyFile(from, to);
      const seconds = Math.floor(mtimeMs / 1000);
      await utimes(to, seconds, seconds);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  },
  fileSize: async (file) => {
    try {
      return (await lstat(file)).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
};

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
