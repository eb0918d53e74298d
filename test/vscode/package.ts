import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The extension's folder, which is the repository. */
export const EXTENSION = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Builds and packages the extension as it would be published.
 * @param directory where the package is put
 * @returns its path
 * @throws with what the bundler or vsce printed
 */
export async function packageExtension(directory: string): Promise<string> {
  const file = join(directory, 'handoff.vsix');
  const vsce = join(dirname(createRequire(import.meta.url).resolve('@vscode/vsce/package.json')), 'vsce');
  await runNode(['esbuild.mjs']);
  await runNode([
    vsce,
    'package',
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--out',
    file,
  ]);
  return file;
}

async function runNode(args: string[]): Promise<void> {
  try {
    await run(process.execPath, args, { cwd: EXTENSION, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`node ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
