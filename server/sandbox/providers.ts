import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalProvider } from './local/provider.ts';
import type { SandboxProvider } from './sandbox.ts';

/** The provider that the settings name. */
export function createSandboxProvider(
  { workDir }: { workDir: string },
  log: (line: string) => void,
): SandboxProvider {
  return createLocalProvider({ dataDir: workDir, supervisorPath: supervisorPath(), log });
}

/** The supervisor's bundle lies beside the relay's; when the relay runs from its sources, in the build's folder. */
function supervisorPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const beside = join(here, 'supervisor.mjs');
  return existsSync(beside) ? beside : join(here, '..', '..', 'dist', 'supervisor.mjs');
}
