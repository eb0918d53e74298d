import type { Logger } from 'pino';
import type { Database } from '../../engine/database.ts';
import { createTurnstile } from '../../engine/turnstile.ts';
import type { SandboxProvider } from '../sandbox.ts';
import type { Contents } from './contents.ts';
import type { Machine } from './machine.ts';
import { changeMachine, type MachineStore, readMachine } from './machine-store.ts';

/** How long (ms) a machine that could not be put to sleep is left alone. */
const AGAIN_MS = 60_000;
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
 * is stopped. Whoever waited wakes it.
 */
export function createRest(deps: RestDeps): Rest {
  const { database, store, contents, now, logger } = deps;
  const inTurn = createTurnstile(AT_ONCE);

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
  const begin = (taskId: string): Promise<Machine | undefined> =>
    database.transaction(async (client) => {
      const locked = await client.query(
        'SELECT 1 FROM handoff.tasks WHERE task_id = $1 FOR UPDATE SKIP LOCKED',
        [taskId],
      );
      if (locked.rowCount !== 1) return undefined;
      const isDue = await client.query(`SELECT 1 FROM handoff.tasks t WHERE ${IS_DUE} AND t.task_id = $2`, [
        now(),
        taskId,
      ]);
      if (isDue.rowCount !== 1) return undefined;
      const seen = await readMachine(client, taskId);
      await client.query('UPDATE handoff.tasks SET sleep_at = NULL WHERE task_id = $1', [taskId]);
      return changeMachine(client, taskId, { seen, change: { state: 'hibernating' }, at: now() });
    });

  async function finish(machine: Machine): Promise<void> {
    const { taskId, ref } = machine;
    if (ref === null) return;
    try {
      deps.forget(taskId);
      const provider = await deps.providerOf(ref.provider);
      const kept = await keep(provider, machine);
      await provider.hibernate(ref);
      const asleepTree = kept?.tree ?? null;
      await store.change(taskId, machine, { state: 'hibernated', asleepTree }, kept?.events);
    } catch (error) {
      logger.warn({ taskId, err: error }, 'an idle sandbox could not be hibernated');
      await store.change(taskId, machine, { state: 'running' });
      await database.query(
        'UPDATE handoff.tasks SET sleep_at = $2 WHERE task_id = $1 AND sleep_at IS NOT NULL',
        [taskId, now() + AGAIN_MS],
      );
    }
  }

  /** What is in its workspace, with nothing running that writes to it. Undefined where that cannot be had. */
  async function keep(provider: SandboxProvider, { taskId, ref }: Machine) {
    if (ref === null || (await provider.state(ref)) !== 'running') return undefined;
    try {
      const sandbox = await provider.resume(ref);
      await sandbox.killAll('');
      return await contents.keep(taskId, sandbox);
    } catch (error) {
      // It may sleep all the same: its files stay where they are.
      logger.warn({ taskId, err: error }, 'what is in an idle sandbox could not be kept');
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
    finish,
  };
}
