import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Database } from '../../engine/database.ts';
import { every } from '../../engine/every.ts';
import { createTurnstile } from '../../engine/turnstile.ts';
import type { SandboxProvider, SandboxRef } from '../sandbox.ts';
import type { Contents } from './contents.ts';
import { type Machine, RENEW_MS } from './machine.ts';
import { changeMachine, type MachineStore, readMachine } from './machine-store.ts';

/** How long (ms) a machine that could not be put to sleep is left alone, doubled with each failure up to an hour. */
const AGAIN_MS = 60_000;
const LONGEST_MS = 3_600_000;
/** How many are begun at one look, and how many fall asleep at once. */
const MOST_AT_A_LOOK = 20;
const AT_ONCE = 4;

/** Puts machines to sleep that nobody needs. */
export interface Rest {
  /** Those of this host whose time has come. */
  sweep(): Promise<void>;
  /** Goes on with one that was on its way to sleep when its relay died. */
  finish(machine: Machine): Promise<void>;
}

export interface RestDeps {
  database: Database;
  store: MachineStore;
  contents: Pick<Contents, 'keep'>;
  providerOf: (name: string) => Promise<SandboxProvider>;
  /** Lets go of what this process has of the machine. */
  forget: (taskId: string) => void;
  host: string;
  now: () => number;
  logger: Logger;
}

/** Of task `t`, at `$1` (ms since 1970): nobody works in its machine, or has to look at what was left there. */
const IS_DUE = `t.sleep_at <= $1 AND NOT t.archived AND t.sandbox IS NOT NULL
  AND EXISTS (SELECT 1 FROM handoff.machines m WHERE m.task_id = t.task_id AND m.state = 'running')
  AND NOT EXISTS (SELECT 1 FROM handoff.turns u
    WHERE u.task_id = t.task_id AND (u.state IN ('waiting', 'running') OR u.aftermath_due))`;

/**
 * Hibernating is a stop on the way, and may take as long as the provider likes. It is written down as an intent, under the task's lock and
 * after looking again whether a turn has begun; from then on whoever wants the machine waits. Then what is in its workspace is kept, and it
 * is stopped. Whoever waited wakes it. Before each thing that ends something the intent is renewed: where somebody took it over, for this
 * relay slept, it is left to them.
 */
export function createRest(deps: RestDeps): Rest {
  const { database, store, contents, now, logger } = deps;
  const inTurn = createTurnstile(AT_ONCE);
  const failures = new Map<string, number>();

  async function due(): Promise<string[]> {
    const { rows } = await database.query<{ taskId: string }>({
      name: 'due-to-sleep',
      text: `SELECT t.task_id AS "taskId" FROM handoff.tasks t
             WHERE ${IS_DUE} AND t.host = $2 ORDER BY t.sleep_at LIMIT $3`,
      values: [now(), deps.host, MOST_AT_A_LOOK],
    });
    return rows.map(({ taskId }) => taskId);
  }

  /** Looks again with the task locked, in a statement of its own: it sees what was committed before the lock was had. */
  function begin(taskId: string): Promise<Machine | undefined> {
    const token = randomUUID();
    return database.transaction(async (client) => {
      const locked = await client.query(
        'SELECT 1 FROM handoff.tasks WHERE task_id = $1 FOR UPDATE SKIP LOCKED',
        [taskId],
      );
      if (locked.rowCount !== 1) return undefined;
      const seen = await readMachine(client, taskId);
      if (seen?.token === token) return seen;
      const isDue = await client.query(`SELECT 1 FROM handoff.tasks t WHERE ${IS_DUE} AND t.task_id = $2`, [
        now(),
        taskId,
      ]);
      if (isDue.rowCount !== 1) return undefined;
      await client.query('UPDATE handoff.tasks SET sleep_at = NULL WHERE task_id = $1', [taskId]);
      const change = { state: 'hibernating', isSilent: failures.has(taskId) } as const;
      return changeMachine(client, taskId, { seen, change, at: now(), token });
    });
  }

  async function finish(machine: Machine): Promise<void> {
    const { taskId, ref } = machine;
    if (ref === null) return;
    const renewing = every(
      RENEW_MS,
      async () => void (await store.renew(machine)),
      () => {},
    );
    try {
      deps.forget(taskId);
      const provider = await deps.providerOf(ref.provider);
      const kept = await keep(provider, machine, ref);
      if (!(await store.renew(machine))) return;
      await provider.hibernate(ref);
      await store.change(taskId, machine, { state: 'hibernated', asleepTree: kept ?? null });
      failures.delete(taskId);
    } catch (error) {
      await stayAwake(machine, error);
    } finally {
      void renewing.stop();
    }
  }

  async function stayAwake(machine: Machine, error: unknown): Promise<void> {
    const { taskId } = machine;
    const failed = (failures.get(taskId) ?? 0) + 1;
    failures.set(taskId, failed);
    logger.warn({ taskId, failed, err: error }, 'an idle sandbox could not be hibernated');
    // Told once; after that it is known to be awake.
    const awake = await store.change(taskId, machine, { state: 'running', isSilent: failed > 1 });
    if (!awake) return;
    const pause = Math.min(AGAIN_MS * 2 ** (failed - 1), LONGEST_MS);
    await database.query(
      'UPDATE handoff.tasks SET sleep_at = $2 WHERE task_id = $1 AND sleep_at IS NOT NULL',
      [taskId, now() + pause],
    );
  }

  /** What is in its workspace, with nothing running that writes to it. Undefined where that cannot be had. */
  async function keep(provider: SandboxProvider, machine: Machine, ref: SandboxRef) {
    if ((await provider.state(ref)) !== 'running') return undefined;
    try {
      const sandbox = await provider.resume(ref);
      if (!(await store.renew(machine))) return undefined;
      await sandbox.killAll('');
      return await contents.keep(machine.taskId, sandbox);
    } catch (error) {
      // It may sleep all the same: its files stay where they are.
      logger.warn({ taskId: machine.taskId, err: error }, 'what is in an idle sandbox could not be kept');
      return undefined;
    }
  }

  return {
    async sweep() {
      const asleep = (await due()).map((taskId) =>
        inTurn(async () => {
          const machine = await begin(taskId);
          if (machine) await finish(machine);
        }),
      );
      await Promise.all(asleep);
    },
    finish: (machine) => inTurn(() => finish(machine)),
  };
}
