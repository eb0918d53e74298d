// The bundles: the extension (cjs, for the extension host), the panel (iife, for the webview) and what it loads when it shows
// code (esm), the relay (esm, for Node 24) and what runs beside it and in its sandboxes.
// `node esbuild.mjs` builds once, prints a size report and fails when a bundle is over its budget; `--watch` rebuilds.
import { existsSync } from 'node:fs';
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

/** A program for Node, `dist/<name>.mjs`. @param budget in KB */
function program(name, entry, budget, more = {}) {
  return {
    name,
    budget: budget * KB,
    options: {
      ...shared,
      entryPoints: { [name]: entry },
      outdir: 'dist',
      outExtension: { '.js': '.mjs' },
      platform: 'node',
      format: 'esm',
      target: 'node20',
      ...more,
    },
  };
}

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
  program('relay', 'server/cli/main.ts', 4096, {
    target: 'node22',
    external: ['pg-native', '@opentelemetry/*', 'winston', 'winston-transport'],
    banner: REQUIRE,
  }),
  // The vendor's SDK, loaded only by relays that use it.
  program('daytona', 'server/sandbox/daytona/vendor.ts', 1536, {
    target: 'node22',
    banner: REQUIRE,
    plugins: [uploadsIncluded],
  }),
  // OpenTelemetry's exporter, loaded only by relays that tell a collector.
  program('tracing', 'server/tracing/exporter.ts', 640, { target: 'node22', banner: REQUIRE }),
  program('egress', 'server/sandbox/local/egress/main.ts', 128, { target: 'node22' }),
  program('spawner', 'server/repo/spawner/main.ts', 8),
  // What runs inside sandboxes, on whatever Node there is.
  program('supervisor', 'server/sandbox/supervisor/main.ts', 64),
  program('supervisor-container', 'server/sandbox/supervisor/container.ts', 64),
  program('supervisor-stdio', 'server/sandbox/supervisor/stdio.ts', 8),
  program('supervisor-websocket', 'server/sandbox/supervisor/websocket.ts', 128, {
    external: ['bufferutil', 'utf-8-validate'],
    banner: REQUIRE,
  }),
];

/** Files that the webview loads beside its bundle; and the ripgrep that is brought into machines, where npm installed one. */
const assets = [
  ['node_modules/@vscode/codicons/dist/codicon.css', 'dist/codicon.css'],
  ['node_modules/@vscode/codicons/dist/codicon.ttf', 'dist/codicon.ttf'],
  ...['x64', 'arm64']
    .map((arch) => [`node_modules/@vscode/ripgrep-linux-${arch}/bin/rg`, `dist/rg-linux-${arch}`])
    .filter(([from]) => existsSync(from)),
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
    console.log(`${name.padEnd(20)} ${(size / KB).toFixed(0).padStart(5)} KB of ${budget / KB} KB  ${mark}`);
  }
  if (over) process.exit(1);
}
