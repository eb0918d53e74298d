import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { git } from '../fakes/git.ts';
import type { BareDone, BareRun } from './bare.ts';
import type { Repository } from './bench.ts';

const PROGRAM = fileURLToPath(new URL('bare.ts', import.meta.url));

/** The AI SDK's own tool loop in a process of its own. */
export interface Bare {
  pid: number;
  /** Runs a session in each of so many fresh checkouts, all at once. */
  run(run: { repository: Repository; model: BareRun['model']; sessions?: number }): Promise<BareDone>;
  close(): Promise<void>;
}

/** @param data where its checkouts go */
export async function startBare(data: string): Promise<Bare> {
  await mkdir(data, { recursive: true });
  const child = fork(PROGRAM);
  const ended = once(child, 'exit').then(() => {
    throw new Error('the bare loop ended');
  });
  ended.catch(() => {});
  const { pid } = child;
  if (pid === undefined) throw new Error('the bare loop did not start');
  let runs = 0;
  return {
    pid,
    async run({ repository, model, sessions = 1 }) {
      const directories = Array.from({ length: sessions }, () => join(data, String(++runs)));
      // Whole before anything is timed: what a checkout takes is not the loop's.
      for (const directory of directories) await git(data, ['clone', '-q', repository.directory, directory]);
      const answer = once(child, 'message').then(([message]) => message as BareDone);
      child.send({ directories, model, prompt: 'Do it.' } satisfies BareRun);
      const done = await Promise.race([answer, ended]);
      if (done.error !== undefined) throw new Error(done.error);
      return done;
    },
    async close() {
      child.kill();
      await ended.catch(() => {});
    },
  };
}
