import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SandboxChoice } from '../config.ts';
import { createLocalProvider } from './local/provider.ts';
import { SandboxError, type SandboxProvider } from './sandbox.ts';

export interface ProviderSettings {
  /** Where local sandboxes are. */
  workDir: string;
  sandbox: Pick<SandboxChoice, 'provider'>;
}

/** The kinds of sandboxes that this relay can reach: tasks keep theirs when the settings name another kind. */
export interface SandboxProviders {
  /** Where new machines come from. */
  current: SandboxProvider;
  /** @throws SandboxError `unavailable` where there is no such kind */
  of(name: string): Promise<SandboxProvider>;
  /** Lets go of all that were opened. */
  close(): Promise<void>;
}

export function createProviders(settings: ProviderSettings, log: (line: string) => void): SandboxProviders {
  const current = createSandboxProvider(settings, log);
  return {
    current,
    async of(name) {
      if (name === current.name) return current;
      throw new SandboxError(
        'unavailable',
        `This relay knows no sandboxes of the kind ${JSON.stringify(name)}.`,
      );
    },
    close: () => current.close(),
  };
}

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
