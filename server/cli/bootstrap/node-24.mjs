// The Node that the product runs on. It comes from npm, in a package that carries the binary: `ai` 7 and running TypeScript
// as it is need Node 22, and the person may have 20.
import { existsSync } from 'node:fs';
import path from 'node:path';

const OLDEST_MAJOR = 22;

/** @throws {Error} where there is none: says what to install */
export function findNode(root) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const bundled = path.join(root, 'node_modules', `node-${platform}-${process.arch}`, 'bin', program);
  if (existsSync(bundled)) return bundled;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) return process.execPath;
  throw new Error(
    `Handoff needs Node ${OLDEST_MAJOR} or newer; this is ${process.version}, and npm has no Node for ` +
      `${process.platform}-${process.arch} here. Install Node 24 from https://nodejs.org and run the command again.`,
  );
}
