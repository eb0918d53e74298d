import { copyFile, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');
const codicons = path.join(root, 'node_modules/@vscode/codicons/dist');

/** The panel as esbuild.mjs makes it (same options), in a folder of its own; the caller removes it. */
export async function bundlePanel(): Promise<{ dir: string; bytes: number }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'handoff-panel-'));
  const outfile = path.join(dir, 'webview.js');
  await build({
    entryPoints: [path.join(root, 'webview-ui/main.tsx')],
    outfile,
    bundle: true,
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  for (const name of ['codicon.css', 'codicon.ttf'])
    await copyFile(path.join(codicons, name), path.join(dir, name));
  return { dir, bytes: (await stat(outfile)).size };
}
