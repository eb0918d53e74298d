import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export type Arch = 'x64' | 'arm64';

/**
 * A ripgrep that runs on any Linux of that architecture, for machines whose image has none; undefined where this relay has none.
 * @param folder where the relay's bundles are: an installed extension has it beside them
 */
export async function ripgrepFor(arch: Arch, folder: string): Promise<Buffer | undefined> {
  const path = ripgrepPath(arch, folder);
  return path === undefined ? undefined : readFile(path);
}

function ripgrepPath(arch: Arch, folder: string): string | undefined {
  const beside = join(folder, `rg-linux-${arch}`);
  if (existsSync(beside)) return beside;
  try {
    const manifest = createRequire(import.meta.url).resolve(`@vscode/ripgrep-linux-${arch}/package.json`);
    return join(dirname(manifest), 'bin', 'rg');
  } catch {
    return undefined;
  }
}
