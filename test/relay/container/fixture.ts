import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import {
  type ContainerOptions,
  createContainerProvider,
} from '../../../server/sandbox/container/provider.ts';
import type { SandboxProvider } from '../../../server/sandbox/sandbox.ts';
import { type FakeEngine, installFakeEngine } from '../../fakes/container/install.ts';

/** An image of somebody's, which need not have a Node. */
export const IMAGE = 'registry.example.com/team/project:1.2';

/** Container sandboxes over a double of an engine's command line, in a folder of their own. */
export interface ContainerFixture {
  dataDir: string;
  engine: FakeEngine;
  provider: SandboxProvider;
  /** What the provider said that happened. */
  log: string[];
  /** As they are for the provider, so that another process can have one. */
  options: ContainerOptions;
  anotherRelay(more?: Partial<ContainerOptions>): SandboxProvider;
  taskId: string;
  dispose(): Promise<void>;
}

export async function containerFixture(kind: 'docker' | 'podman' = 'docker'): Promise<ContainerFixture> {
  const root = await fs.mkdtemp(join(tmpdir(), 'handoff-containers-'));
  const engine = await installFakeEngine(root, kind);
  const programs = { supervisor: join(root, 'supervisor.mjs'), bridge: join(root, 'stdio.mjs') };
  await bundle('server/sandbox/supervisor/container.ts', programs.supervisor);
  await bundle('server/sandbox/supervisor/stdio.ts', programs.bridge);
  const dataDir = join(root, 'data');
  const log: string[] = [];
  const options = {
    dataDir,
    programs,
    cli: engine.program,
    image: IMAGE,
  };
  const anotherRelay = (more: Partial<ContainerOptions> = {}): SandboxProvider =>
    createContainerProvider({ ...options, log: (line) => log.push(line), ...more });
  const provider = anotherRelay();
  return {
    dataDir,
    engine,
    provider,
    log,
    options,
    anotherRelay,
    taskId: `task-of-${basename(root)}`,
    async dispose() {
      await provider.close();
      await engine.dispose();
      // Of folders without permissions, only the system's own tools get rid.
      await promisify(execFile)('chmod', ['-R', 'u+rwx', root]).catch(() => {});
      await promisify(execFile)('rm', ['-rf', root]);
    },
  };
}

async function bundle(entry: string, outfile: string): Promise<void> {
  const options = { bundle: true, minify: true, platform: 'node', format: 'esm', target: 'node20' } as const;
  await build({ ...options, entryPoints: [entry], outfile, logLevel: 'warning' });
}
