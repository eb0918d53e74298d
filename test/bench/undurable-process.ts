import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { destroySandboxes } from './relay.ts';
import type { RunTurn, TurnDone } from './undurable.ts';

const PROGRAM = fileURLToPath(new URL('undurable.ts', import.meta.url));

/** The loop without durability, in a process of its own. */
export interface Undurable {
  pid: number;
  /** Runs a whole turn of a new task. */
  run(turn: Omit<RunTurn, 'data'>): Promise<void>;
  /** Ends it, its sandboxes too. */
  close(): Promise<void>;
}

/** @param data where its repositories and sandboxes go */
export async function startUndurable(data: string): Promise<Undurable> {
  await mkdir(data, { recursive: true, mode: 0o711 });
  const child = fork(PROGRAM, { env: { ...process.env, TMPDIR: data } });
  const ended = once(child, 'exit').then(() => ({ error: 'the loop without durability ended' }));
  const { pid } = child;
  if (pid === undefined) throw new Error('the loop without durability did not start');
  return {
    pid,
    async run(turn) {
      const answer = once(child, 'message').then(([message]) => message as TurnDone);
      child.send({ ...turn, data } satisfies RunTurn);
      const { error } = await Promise.race([answer, ended]);
      if (error !== undefined) throw new Error(error);
    },
    async close() {
      child.kill();
      await ended;
      await destroySandboxes(data);
    },
  };
}
