// `dist` as the sources say.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runQuietly } from './run-quietly.mjs';

const STAMP = 'dist/.bootstrap/build';
const SOURCES = ['server', 'extension', 'webview-ui', 'esbuild.mjs', 'package.json', 'package-lock.json'];
const OUTPUTS = [
  ...[
    'extension.cjs',
    'webview.js',
    'highlight.mjs',
    'relay.mjs',
    'daytona.mjs',
    'tracing.mjs',
    'egress.mjs',
  ],
  ...[
    'spawner.mjs',
    'supervisor.mjs',
    'supervisor-container.mjs',
    'supervisor-stdio.mjs',
    'supervisor-websocket.mjs',
  ],
];

/** Names, sizes and times of all that goes into the bundles. */
function fingerprint(root) {
  const hash = createHash('sha256');
  const add = (name) => {
    const file = path.join(root, name);
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isDirectory()) for (const entry of readdirSync(file).sort()) add(`${name}/${entry}`);
    else if (found) hash.update(`${name}\0${found.size}\0${found.mtimeMs}\n`);
  };
  for (const name of SOURCES) add(name);
  return hash.digest('hex');
}

export function isBuilt(root) {
  try {
    return (
      OUTPUTS.every((name) => statSync(path.join(root, 'dist', name)).size > 0) &&
      readFileSync(path.join(root, STAMP), 'utf8') === fingerprint(root)
    );
  } catch {
    return false;
  }
}

/**
 * @param {string} node the Node to build with
 * @throws {Error} with the bundler's own words
 */
export async function build(root, node) {
  const before = fingerprint(root);
  const { code, output } = await runQuietly(node, ['esbuild.mjs'], { cwd: root, env: process.env });
  if (code !== 0) throw new Error(`the build failed:\n${output}`);
  mkdirSync(path.join(root, 'dist/.bootstrap'), { recursive: true });
  writeFileSync(path.join(root, STAMP), before);
}
