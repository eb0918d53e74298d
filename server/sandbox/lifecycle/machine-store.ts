import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Database } from '../../engine/database.ts';
import { APPEND_EVENTS, appendValues, type KeyedEvent } from '../../tasks/event-log.ts';
import type { SandboxRef } from '../sandbox.ts';
import { type Machine, type MachineState, mayBecome } from './machine.ts';

/** What becomes of a machine; what is absent stays as it was. */
export interface MachineChange {
  state: MachineState;
  /** For the person. */
  detail?: string;
  /** What the agent remembers of its machine is no longer so: it is told the detail. */
  isNews?: boolean;
  /** Null: the machine that was remembered is the task's no more. */
  ref?: SandboxRef | null;
  generation?: number;
  /** Forgotten when it runs. */
  asleepTree?: string | null;
  /** The person is not told: their turn tells them itself. */
  isSilent?: boolean;
}

/** What is known of tasks' machines, beyond this process. */
export interface MachineStore {
  get(taskId: string): Promise<Machine | undefined>;
  /**
   * Changes the machine as it was seen, and tells of it, in one transaction.
   * @param seen undefined where the task had none
   * @param also events that are appended before
   * @returns undefined, and nothing done, where somebody else changed it since
   */
  change(
    taskId: string,
    seen: Machine | undefined,
    change: MachineChange,
    also?: KeyedEvent[],
  ): Promise<Machine | undefined>;
  /** Says that an intent is still being carried out. False where it is somebody else's by now, and nothing may be done any more. */
  renew(machine: Machine): Promise<boolean>;
}

/** @param idleMs how long a machine that is woken for something else than a turn may idle */
export function createMachineStore(database: Database, now: () => number, idleMs: number): MachineStore {
  return {
    get: async (taskId) =>
      (await database.query<Machine>({ name: 'machine', text: MACHINE, values: [taskId] })).rows[0],

    change(taskId, seen, change, also = []) {
      const token = randomUUID();
      return database.transaction(async (client) => {
        await client.query('SELECT 1 FROM handoff.tasks WHERE task_id = $1 FOR UPDATE', [taskId]);
        const changed = await changeMachine(client, taskId, { seen, change, also, at: now(), token });
        // It falls asleep again by itself.
        if (changed?.state === 'running')
          await client.query(
            `UPDATE handoff.tasks SET sleep_at = $2
             WHERE task_id = $1 AND active_turn IS NULL AND sleep_at IS NULL AND NOT archived`,
            [taskId, now() + idleMs],
          );
        return changed;
      });
    },

    async renew({ taskId, step }) {
      const { rowCount } = await database.query(
        'UPDATE handoff.machines SET changed_at = $3 WHERE task_id = $1 AND step = $2',
        [taskId, step, now()],
      );
      return rowCount === 1;
    },
  };
}

const MACHINE = `SELECT t.task_id AS "taskId", t.sandbox AS ref, m.state, m.step, m.generation, m.token,
    m.changed_at::float8 AS "changedAt", m.asleep_tree AS "asleepTree", t.archived AS "isArchived"
  FROM handoff.machines m JOIN handoff.tasks t USING (task_id) WHERE m.task_id = $1`;

export const readMachine = async (client: pg.PoolClient, taskId: string): Promise<Machine | undefined> =>
  (await client.query<Machine>(MACHINE, [taskId])).rows[0];

/**
 * As `MachineStore.change`, for whoever has the task's row locked.
 * @param what.token tells this change from another's that is alike: the answer to it may be lost with its connection, and it is asked again
 */
export async function changeMachine(
  client: pg.PoolClient,
  taskId: string,
  what: { seen: Machine | undefined; change: MachineChange; also?: KeyedEvent[]; at: number; token: string },
): Promise<Machine | undefined> {
  const { seen, at, token } = what;
  const { state, detail, ref, generation, asleepTree, isNews = false, isSilent = false } = what.change;
  const current = await readMachine(client, taskId);
  if (current?.token === token) return current;
  if (current?.step !== seen?.step) return undefined;
  if (!mayBecome(seen?.state, state))
    throw new Error(`a machine that is ${seen?.state} cannot become ${state}`);
  const step = (seen?.step ?? 0) + 1;
  await client.query(
    `INSERT INTO handoff.machines AS m
       (task_id, state, step, generation, changed_at, checked_at, runs_since, asleep_tree, token)
     VALUES ($1, $2, $3, $4, $5, $5, CASE WHEN $2 = 'running' THEN $5::bigint END, $6, $7)
     ON CONFLICT (task_id) DO UPDATE SET state = $2, step = $3, generation = $4, changed_at = $5, checked_at = $5,
       runs_since = CASE WHEN $2 = 'running' THEN coalesce(m.runs_since, $5) END, asleep_tree = $6, token = $7`,
    [
      taskId,
      state,
      step,
      generation ?? seen?.generation ?? 1,
      at,
      state === 'running' ? null : asleepTree === undefined ? (seen?.asleepTree ?? null) : asleepTree,
      token,
    ],
  );
  if (ref !== undefined)
    await client.query('UPDATE handoff.tasks SET sandbox = $2 WHERE task_id = $1', [
      taskId,
      ref === null ? null : JSON.stringify(ref),
    ]);
  const told: KeyedEvent = {
    key: `machine:${step}`,
    event: {
      type: 'sandbox.changed',
      state,
      ...(detail === undefined ? {} : { detail }),
      ...(isNews ? { isNews } : {}),
    },
  };
  const events = [...(what.also ?? []), ...(isSilent ? [] : [told])];
  if (events.length > 0) await client.query(APPEND_EVENTS, appendValues(taskId, null, at, events));
  return readMachine(client, taskId);
}
