import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SUITE = fileURLToPath(new URL('./suite', import.meta.url));
/** Inside the repository, so that `mocha` is found from there; git-ignored. */
const OUTPUT = fileURLToPath(new URL('../../.vscode-test', import.meta.url));

/**
 * Compiles the suite to what every extension host can load: one CommonJS file a test file.
 * @returns the folder, which the caller removes, and in it the file for `extensionTestsPath`
 */
export async function bundleSuite(): Promise<{ folder: string; entry: string }> {
  const sources = (await readdir(SUITE)).filter((name) => name === 'index.ts' || name.endsWith('.test.ts'));
  const folder = await mkdtemp(join(OUTPUT, 'suite-'));
  await build({
    entryPoints: sources.map((name) => join(SUITE, name)),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return { folder, entry: join(folder, 'index.cjs') };
}
