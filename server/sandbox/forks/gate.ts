import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxSessions } from '../lifecycle/machines.ts';
import type { Sandbox } from '../sandbox.ts';

/** Who uses a machine passes here, so that it can be stopped for a moment, to be copied, without anybody's call being cut off. */
export interface Gate {
  /** The same machine, whose calls wait while somebody is alone with it. @param machine names it */
  around(machine: string, sandbox: Sandbox): Sandbox;
  /** The same machines of tasks, each named by its task. */
  sandboxes(sessions: SandboxSessions): SandboxSessions;
  /**
   * Runs `work` while nobody else uses the machine: calls that are under way are waited for, for a while, and new ones wait until it is
   * over. In it the machine is to be had by other ways than this gate's.
   */
  alone<T>(machine: string, work: () => Promise<T>): Promise<T>;
}

/** How long (ms) calls that are under way are waited for: builds and tests of explorers end, servers do not. */
export const CALLS_PATIENCE_MS = 20_000;

interface Passage {
  /** Calls under way. */
  inside: number;
  /** Settles when the machine is to be had again; undefined where it is. */
  closed: Promise<unknown> | undefined;
  /** Called when the last one leaves. */
  onEmpty: (() => void) | undefined;
}

/** @param patienceMs see `CALLS_PATIENCE_MS` */
export function createGate(patienceMs: number = CALLS_PATIENCE_MS): Gate {
  const passages = new Map<string, Passage>();

  function passageOf(machine: string): Passage {
    const known = passages.get(machine);
    if (known) return known;
    const passage: Passage = { inside: 0, closed: undefined, onEmpty: undefined };
    passages.set(machine, passage);
    return passage;
  }

  /** Nobody uses it: it need not be remembered. */
  function leave(machine: string, passage: Passage): void {
    passage.inside -= 1;
    if (passage.inside > 0) return;
    passage.onEmpty?.();
    if (passage.closed === undefined) passages.delete(machine);
  }

  /** Waits until nobody is alone with the machine. Whoever needs that to last looks again in the same breath. */
  async function untilOpen(machine: string): Promise<void> {
    for (;;) {
      const closed = passages.get(machine)?.closed;
      if (closed === undefined) return;
      await closed;
    }
  }

  async function pass<T>(machine: string, work: () => Promise<T>): Promise<T> {
    while (passages.get(machine)?.closed !== undefined) await untilOpen(machine);
    const passage = passageOf(machine);
    passage.inside += 1;
    try {
      return await work();
    } finally {
      leave(machine, passage);
    }
  }

  function around(machine: string, sandbox: Sandbox): Sandbox {
    const through =
      <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
      (...args: Args): Promise<Result> =>
        pass(machine, () => work(...args));
    return {
      ...sandbox,
      exec: (request, options) =>
        options?.isBackground === true
          ? untilOpen(machine).then(() => sandbox.exec(request, options))
          : pass(machine, () => sandbox.exec(request, options)),
      readOutput: through(sandbox.readOutput),
      readFile: through(sandbox.readFile),
      writeFile: through(sandbox.writeFile),
      glob: through(sandbox.glob),
      grep: through(sandbox.grep),
      killAll: through(sandbox.killAll),
      putScratch: through(sandbox.putScratch),
      getScratch: through(sandbox.getScratch),
      ports: through(sandbox.ports),
      connect: through(sandbox.connect),
    };
  }

  return {
    around,
    sandboxes: (sessions) => ({
      ...sessions,
      open: async (taskId) => around(taskId, await sessions.open(taskId)),
      reopen: async (taskId, signal) => around(taskId, await sessions.reopen(taskId, signal)),
    }),
    async alone(machine, work) {
      while (passages.get(machine)?.closed !== undefined) await untilOpen(machine);
      const mine = passageOf(machine);
      const open = Promise.withResolvers<void>();
      mine.closed = open.promise;
      try {
        if (mine.inside > 0) {
          const enough = new AbortController();
          const empty = new Promise<void>((resolve) => {
            mine.onEmpty = resolve;
          });
          const late = delay(patienceMs, undefined, { signal: enough.signal }).catch(() => {});
          await Promise.race([empty, late]);
          enough.abort();
          mine.onEmpty = undefined;
        }
        return await work();
      } finally {
        mine.closed = undefined;
        if (mine.inside === 0) passages.delete(machine);
        open.resolve();
      }
    },
  };
}
