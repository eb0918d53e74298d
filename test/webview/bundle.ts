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
  const shared = { bundle: true, minify: true, legalComments: 'none', logLevel: 'warning' } as const;
  const browser = { platform: 'browser', target: 'es2022' } as const;
  await build({
    ...shared,
    ...browser,
    entryPoints: [path.join(root, 'webview-ui/main.tsx')],
    outfile,
    format: 'iife',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  await build({
    ...shared,
    ...browser,
    entryPoints: [path.join(root, 'webview-ui/highlight.ts')],
    outfile: path.join(dir, 'highlight.mjs'),
    format: 'esm',
  });
  for (const name of ['codicon.css', 'codicon.ttf'])
    await copyFile(path.join(codicons, name), path.join(dir, name));
  return { dir, bytes: (await stat(outfile)).size };
}
