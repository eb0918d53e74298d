import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { killContainer } from './processes.ts';
import { type FakeContainer, stateIn } from './state.ts';

/** A command line that pretends to be an engine. */
export interface FakeEngine {
  /** The program's path; its name is that of the engine. */
  program: string;
  /** The folder of all that it remembers. */
  root: string;
  /** All that it was asked so far, but for its version. */
  calls(): Promise<string[][]>;
  /** Makes commands fail, `*` all of them; none from now on where absent. */
  fail(faults: Record<string, { code: number; err: string }>): Promise<void>;
  /** Has the next call of a command wait before it does anything; `reached` once it does, until `release`. */
  hold(verb: string): Promise<{ reached: Promise<void>; release: () => Promise<void> }>;
  /** What it has, running or not. */
  containers(): FakeContainer[];
  /** Changes one behind everybody's back. */
  change(container: FakeContainer): void;
  /** Kills what runs in its containers. */
  dispose(): Promise<void>;
}

/** @param folder its own, below which it keeps everything */
export async function installFakeEngine(folder: string, kind: 'docker' | 'podman'): Promise<FakeEngine> {
  const root = join(folder, `fake-${kind}`);
  const bundle = join(root, 'main.mjs');
  await build({
    entryPoints: ['test/fakes/container/main.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'warning',
  });
  const program = join(root, kind);
  await fs.writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${bundle}' "$@"\n`, { mode: 0o755 });
  await fs.writeFile(join(root, 'kind'), kind);
  return {
    program,
    root,
    async calls() {
      const lines = await fs.readFile(join(root, 'calls.jsonl'), 'utf8').catch(() => '');
      return lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as string[]);
    },
    fail: (faults) => fs.writeFile(join(root, 'faults.json'), JSON.stringify(faults)),
    async hold(verb) {
      const isHeld = join(root, `held-${verb}`);
      await fs.writeFile(join(root, `hold-${verb}`), '');
      const reached = async (): Promise<void> => {
        while (!existsSync(isHeld)) await sleep(5);
      };
      return { reached: reached(), release: () => fs.rm(isHeld) };
    },
    containers: () => stateIn(root).all(),
    change: (container) => stateIn(root).save(container),
    async dispose() {
      for (const container of stateIn(root).all()) await killContainer(container);
    },
  };
}
