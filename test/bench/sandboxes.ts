import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLocalProvider } from '../../server/sandbox/local/provider.ts';
import { memoryOf } from '../../server/sandbox/local/usage.ts';
import type { Sandbox, SandboxProvider, SandboxRef } from '../../server/sandbox/sandbox.ts';
import type { Bench, Place } from './bench.ts';
import { processesWith } from './processes.ts';
import { times } from './stats.ts';

const run = promisify(execFile);

const RUNS = 15;
/** Copying is slow. */
const COPIES = 3;
const FILES = 50_000;
const AT_ONCE = 20;

/** Fills the workspace with small files, a hundred a folder. */
const FILL = `
import os
for folder in range(${FILES} // 100):
  os.makedirs(f"src/{folder}")
  for n in range(100):
    with open(f"src/{folder}/{n}.txt", "w") as file: file.write(f"{folder} {n}\\n" * 20)
`;

/** What sandboxes of this machine cost: starting, sleeping, waking, being copied, and being many. */
export const sandboxes: Bench = {
  about: `local sandboxes: start, sleep, wake, fork of ${FILES} files, ${AT_ONCE} at once`,
  async run(place: Place) {
    const supervisorPath = join(import.meta.dirname, '..', '..', 'dist', 'supervisor.mjs');
    const dataDir = await mkdtemp(join(place.directory, 'sandboxes-'));
    await chmod(dataDir, 0o711);
    const provider = createLocalProvider({ dataDir, supervisorPath });
    try {
      return [
        ...(await life(provider)),
        ...(await forks(provider, dataDir, place)),
        ...(await many(provider)),
      ];
    } finally {
      await removeAll(provider);
      await provider.close();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
};

async function life(provider: SandboxProvider) {
  // The first finds out what the machine can do.
  await sayTrue(await provider.create({ taskId: 'first' }));
  const plain = await times(RUNS, () => timed(() => run('/bin/bash', ['-c', 'true'])));
  const creates = await times(RUNS, (n) =>
    timed(async () => sayTrue(await provider.create({ taskId: `life-${n}` }))),
  );
  const ref = await refOf(provider, 'life-0');
  const sandbox = await provider.resume(ref);
  const commands = await times(RUNS, () => timed(() => sayTrue(sandbox)));
  const hibernates: number[] = [];
  const resumes: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    hibernates.push(await timed(() => provider.hibernate(ref)));
    resumes.push(await timed(async () => sayTrue(await provider.resume(ref))));
  }
  await removeAll(provider);
  const unit = 'ms';
  return [
    { name: 'a command in one that runs (baseline: bash)', unit, values: commands, baseline: plain },
    {
      name: 'create, to the end of a command',
      unit,
      values: creates,
      goal: { of: 'median', atMost: 500 } as const,
    },
    { name: 'hibernate', unit, values: hibernates },
    {
      name: 'resume, to the end of a command',
      unit,
      values: resumes,
      goal: { of: 'median', atMost: 500 } as const,
    },
  ];
}

async function forks(provider: SandboxProvider, dataDir: string, place: Place) {
  place.say(`filling ${FILES} files`);
  const source = await provider.create({ taskId: 'source' });
  await command(source, ['/usr/bin/python3', '-c', FILL]);
  await provider.hibernate(source.ref);
  place.say('copying them');
  const workspace = join(dataDir, 'sandboxes', source.ref.id, 'workspace');
  const copies = await times(COPIES, (n) =>
    timed(() => run('cp', ['-a', '--reflink=auto', workspace, join(dataDir, `copy-${n}`)])),
  );
  const snapshots = await times(COPIES, (n) => timed(() => provider.snapshot(source.ref, `base-${n}`)));
  const from = { provider: 'local', id: 'base-0' };
  const made = await times(RUNS, (n) =>
    timed(async () => sayTrue(await provider.create({ taskId: `fork-${n}`, from }))),
  );
  const ref = await refOf(provider, 'fork-0');
  const writes = await times(RUNS, (n) =>
    timed(async () => command(await provider.resume(ref), ['sh', '-c', `echo x >> src/${n}/1.txt`])),
  );
  const resumes = await times(RUNS, async () => {
    await provider.hibernate(ref);
    return timed(async () => sayTrue(await provider.resume(ref)));
  });
  await removeAll(provider);
  for (let n = 0; n < COPIES; n++) await provider.deleteSnapshot({ provider: 'local', id: `base-${n}` });
  const unit = 'ms';
  return [
    { name: `snapshot of ${FILES} files (baseline: cp -a)`, unit, values: snapshots, baseline: copies },
    {
      name: `fork of ${FILES} files, to the end of a command (baseline: cp -a)`,
      unit,
      values: made,
      baseline: copies,
      goal: { of: 'median', atMost: 500 } as const,
    },
    { name: 'first write to a file of the fork', unit, values: writes },
    { name: 'resume of the fork, to the end of a command', unit, values: resumes },
  ];
}

async function many(provider: SandboxProvider) {
  const began = performance.now();
  const all = await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, n) => {
      const sandbox = await provider.create({ taskId: `many-${n}` });
      await sayTrue(sandbox);
      return { sandbox, ms: performance.now() - began };
    }),
  );
  // The one that waits for a sandbox is the first, and all others descend from it.
  const roots = await Promise.all(
    all.map(async ({ sandbox: { ref } }) => {
      const [root = 0] = (await processesWith(`/${ref.id}/lock`)).toSorted((a, b) => a - b);
      return [ref.id, root] as const;
    }),
  );
  const memory = [...(await memoryOf(new Map(roots), () => -1)).values()];
  return [
    {
      name: `${AT_ONCE} at once: from asking for all to each one's first command`,
      unit: 'ms',
      values: all.map(({ ms }) => ms),
    },
    { name: `${AT_ONCE} at once: memory of each`, unit: 'MiB (PSS)', values: memory },
  ];
}

async function removeAll(provider: SandboxProvider): Promise<void> {
  for (const { ref } of await provider.list()) await provider.destroy(ref);
}

async function refOf(provider: SandboxProvider, taskId: string): Promise<SandboxRef> {
  const found = (await provider.list()).find((one) => one.taskId === taskId);
  if (found === undefined) throw new Error(`there is no sandbox of ${taskId}`);
  return found.ref;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

let commands = 0;

async function command(sandbox: Sandbox, argv: string[]): Promise<void> {
  commands += 1;
  const request = { execId: `bench:${commands}`, argv, timeoutMs: 600_000, maxOutputBytes: 65_536 };
  const { exitCode, stderr } = await sandbox.exec(request);
  if (exitCode !== 0) throw new Error(`${argv[0]} failed: ${Buffer.from(stderr.tail)}`);
}

const sayTrue = (sandbox: Sandbox): Promise<void> => command(sandbox, ['bash', '-c', 'true']);
