import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SUITE = fileURLToPath(new URL('./suite', import.meta.url));
/** Inside the repository, so that `mocha` is found from there; git-ignored, and so not there in a fresh clone. */
const OUTPUT = fileURLToPath(new URL('../../.vscode-test', import.meta.url));

/**
 * Compiles the suite to what every extension host can load: one CommonJS file a test file.
 * @param output where its folder is made; need not be there
 * @returns the folder, which the caller removes, and in it the file for `extensionTestsPath`
 */
export async function bundleSuite(output = OUTPUT): Promise<{ folder: string; entry: string }> {
  const sources = (await readdir(SUITE)).filter((name) => name === 'index.ts' || name.endsWith('.test.ts'));
  await mkdir(output, { recursive: true });
  const folder = await mkdtemp(join(output, 'suite-'));
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
