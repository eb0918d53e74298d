import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config, SandboxChoice } from '../config.ts';
import { createContainerProvider } from './container/provider.ts';
import { createDaytonaProvider } from './daytona/provider.ts';
import { createLocalProvider } from './local/provider.ts';
import { SandboxError, type SandboxProvider, type SandboxRef } from './sandbox.ts';

/** The kinds of sandboxes that this relay reaches: tasks keep theirs when the settings name another kind. */
export interface SandboxProviders {
  /** Where new machines come from. */
  current: SandboxProvider;
  /** @throws SandboxError `unavailable` where there is no such kind */
  of(name: string): Promise<SandboxProvider>;
  /** Lets go of all that were opened. */
  close(): Promise<void>;
}

export interface ProviderDeps {
  /** By which a vendor tells this relay's machines from others. */
  owner: string;
  /** Gets what happens to sandboxes, a line each. */
  log: (line: string) => void;
  /** A machine was stopped because it went past a limit. */
  onLimit?: (ref: SandboxRef, message: string) => void;
}

type Kind = SandboxChoice['provider'];
type Settings = Pick<Config, 'workDir' | 'idleMs' | 'sandbox' | 'env'>;

/** Nothing is loaded or looked for before the first machine is wanted. */
const MAKE: { [K in Kind]: (settings: Settings, deps: ProviderDeps) => SandboxProvider } = {
  local: ({ workDir, sandbox }, { log, onLimit }) =>
    createLocalProvider({
      dataDir: workDir,
      supervisorPath: program('supervisor.mjs'),
      readOnly: sandbox.toolchains,
      log,
      ...(onLimit === undefined ? {} : { onLimit }),
    }),
  daytona: ({ idleMs, sandbox }, { owner, log }) =>
    createDaytonaProvider({
      ...sandbox.daytona,
      image: sandbox.image,
      owner,
      idleMs,
      supervisorPath: program('supervisor-websocket.mjs'),
      log,
    }),
  container: ({ workDir, sandbox, env }, { log }) =>
    createContainerProvider({
      dataDir: workDir,
      programs: {
        supervisor: program('supervisor-container.mjs'),
        bridge: program('supervisor-stdio.mjs'),
      },
      ...(sandbox.containerCli === undefined ? {} : { cli: sandbox.containerCli }),
      ...(sandbox.image === undefined ? {} : { image: sandbox.image }),
      env,
      log,
    }),
};

export function createProviders(settings: Settings, deps: ProviderDeps): SandboxProviders {
  const made = new Map<string, SandboxProvider>();
  const kind = (name: Kind): SandboxProvider => {
    const provider = made.get(name) ?? MAKE[name](settings, deps);
    made.set(name, provider);
    return provider;
  };
  return {
    current: kind(settings.sandbox.provider),
    async of(name) {
      if (isKind(name)) return kind(name);
      throw new SandboxError(
        'unavailable',
        `This relay knows no sandboxes of the kind ${JSON.stringify(name)}.`,
        {
          nextAction: 'Use the version of the relay that made them, or start a new task.',
        },
      );
    },
    close: async () => void (await Promise.all([...made.values()].map((provider) => provider.close()))),
  };
}

const isKind = (name: string): name is Kind => Object.hasOwn(MAKE, name);

/** Programs that run inside sandboxes lie beside the relay's bundle; when it runs from its sources, in the build's folder. */
export function program(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const beside = join(here, name);
  return existsSync(beside) ? beside : join(here, '..', '..', 'dist', name);
}
