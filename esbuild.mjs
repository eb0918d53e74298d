// The bundles: the extension (cjs, for the extension host), the panel (iife, for the webview) and what it loads when it shows
// code (esm), the relay (esm, for Node 24) and the supervisor of its sandboxes.
// `node esbuild.mjs` builds once, prints a size report and fails when a bundle is over its budget; `--watch` rebuilds.
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { build, context } from 'esbuild';

const KB = 1024;
const shared = { bundle: true, minify: true, sourcemap: false, logLevel: 'warning', legalComments: 'none' };

/** What is CommonJS among the packages asks for built-in modules by `require`, which modules lack. */
const REQUIRE = {
  js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
};

/** Daytona's SDK hides from bundlers what it uploads files with, and would miss it where the packages are not. */
const uploadsIncluded = {
  name: 'uploads-included',
  setup(build) {
    build.onLoad({ filter: /@daytonaio.sdk.*utils.Import\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(
        "__esmRequire('form-data')",
        "require('form-data')",
      ),
    }));
  },
};

/** One entry a bundle; `budget` is the design's size limit in bytes (DESIGN: extension 700 KB, webview 400 KB). */
const bundles = [
  {
    name: 'extension',
    budget: 700 * KB,
    options: {
      ...shared,
      entryPoints: ['extension/main.ts'],
      outfile: 'dist/extension.cjs',
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['vscode'],
    },
  },
  {
    name: 'webview',
    budget: 400 * KB,
    options: {
      ...shared,
      entryPoints: ['webview-ui/main.tsx'],
      outfile: 'dist/webview.js',
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      jsx: 'automatic',
      define: { 'process.env.NODE_ENV': '"production"' },
    },
  },
  {
    name: 'highlight',
    budget: 80 * KB,
    options: {
      ...shared,
      entryPoints: { highlight: 'webview-ui/highlight.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
    },
  },
  {
    name: 'relay',
    budget: 4096 * KB,
    options: {
      ...shared,
      entryPoints: { relay: 'server/cli/main.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node22',
      external: ['pg-native', '@opentelemetry/*', 'winston', 'winston-transport'],
      banner: REQUIRE,
    },
  },
  {
    name: 'supervisor',
    budget: 64 * KB,
    options: {
      ...shared,
      entryPoints: { supervisor: 'server/sandbox/supervisor/main.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node20',
    },
  },
  {
    name: 'container',
    budget: 64 * KB,
    options: {
      ...shared,
      entryPoints: { 'supervisor-container': 'server/sandbox/supervisor/container.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node20',
    },
  },
  {
    name: 'stdio',
    budget: 8 * KB,
    options: {
      ...shared,
      entryPoints: { 'supervisor-stdio': 'server/sandbox/supervisor/stdio.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node20',
    },
  },
  {
    name: 'egress',
    budget: 128 * KB,
    options: {
      ...shared,
      entryPoints: { egress: 'server/sandbox/local/egress/main.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node22',
    },
  },
  {
    name: 'websocket',
    budget: 128 * KB,
    options: {
      ...shared,
      entryPoints: { 'supervisor-websocket': 'server/sandbox/supervisor/websocket.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node20',
      banner: REQUIRE,
    },
  },
  {
    // The vendor's SDK, loaded only by relays that use it.
    name: 'daytona',
    budget: 1536 * KB,
    options: {
      ...shared,
      entryPoints: { daytona: 'server/sandbox/daytona/vendor.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node22',
      banner: REQUIRE,
      plugins: [uploadsIncluded],
    },
  },
];

/** Files that the webview loads beside its bundle. */
const assets = [
  ['node_modules/@vscode/codicons/dist/codicon.css', 'dist/codicon.css'],
  ['node_modules/@vscode/codicons/dist/codicon.ttf', 'dist/codicon.ttf'],
];

await mkdir('dist', { recursive: true });
for (const [from, to] of assets) await copyFile(from, to);

if (process.argv.includes('--watch')) {
  for (const { options } of bundles) await (await context(options)).watch();
} else {
  await Promise.all(bundles.map(({ options }) => build(options)));
  let over = false;
  for (const { name, options, budget } of bundles) {
    const file = options.outfile ?? `${options.outdir}/${Object.keys(options.entryPoints)[0]}.mjs`;
    const { size } = await stat(file);
    over ||= size > budget;
    const mark = size > budget ? 'OVER BUDGET' : 'ok';
    console.log(`${name.padEnd(11)} ${(size / KB).toFixed(0).padStart(5)} KB of ${budget / KB} KB  ${mark}`);
  }
  if (over) process.exit(1);
}
