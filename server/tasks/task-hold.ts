import type pg from 'pg';
import { QUEUE_CHANNEL } from '../engine/claims.ts';
import type { Database } from '../engine/database.ts';
import type { TaskState } from '../protocol/task.ts';
import { APPEND_EVENTS, appendValues, type KeyedEvent } from './event-log.ts';
import { TASK_COLUMNS } from './postgres-store.ts';
import type { TaskStates } from './task-states.ts';
import type { TaskRow, TaskTransaction } from './task-store.ts';
import { taskTransaction } from './task-transaction.ts';

/** A task whose row is locked: no turn of it begins or is claimed, nothing is appended to its log but by the holder. */
export interface HeldTask {
  /** At the log's last event. */
  state: TaskState;
  activeTurn: string | null;
  archived: boolean;
  /** @returns the log's last seq */
  append(events: KeyedEvent[]): Promise<number>;
  /** The bodies of the events of these keys that are in the log, by key. */
  written(keys: readonly string[]): Promise<Map<string, unknown>>;
  /** What else may be done with it in the same transaction. */
  tx: TaskTransaction;
  /** The transaction itself, for rows of other tables that belong to what is appended. */
  client: Pick<pg.PoolClient, 'query'>;
}

/**
 * Runs `work` with the task held, perhaps again where the connection breaks. Messages to the task wait meanwhile: seconds, no more.
 * `work` asks the database through nothing but what it is given, or all connections might be held by those who wait for one.
 */
export type HoldTask = <T>(taskId: string, work: (task: HeldTask) => Promise<T>) => Promise<T>;

/** How often a log may outrun its reader. */
const MOST_TRIES = 100;

export function createTaskHold(database: Database, states: TaskStates, now: () => number): HoldTask {
  return async (taskId, work) => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      // Read before, so that no holder waits for a second connection: all of them could be holders'.
      const state = await states.current(taskId);
      const held = await database.transaction(async (client) => {
        const { rows } = await client.query<TaskRow & { seq: number }>(
          `SELECT ${TASK_COLUMNS}, seq FROM handoff.tasks WHERE task_id = $1 FOR UPDATE`,
          [taskId],
        );
        if (rows[0]?.seq !== state.seq) return undefined;
        const { seq: _seq, ...row } = rows[0];
        const { activeTurn, archived } = row;
        const tx = taskTransaction(client, row, now);
        const append = async (events: KeyedEvent[]): Promise<number> => {
          const values = appendValues(taskId, null, now(), events);
          const appended = await client.query<{ last: number }>(APPEND_EVENTS, values);
          return appended.rows[0]?.last ?? state.seq;
        };
        const written = async (keys: readonly string[]): Promise<Map<string, unknown>> => {
          const found = await client.query<{ key: string; body: unknown }>(
            'SELECT key, body FROM handoff.events WHERE task_id = $1 AND key = ANY ($2)',
            [taskId, keys],
          );
          return new Map(found.rows.map(({ key, body }) => [key, body]));
        };
        const value = await work({ state, activeTurn, archived, append, written, tx, client });
        // Relays that looked for work meanwhile have passed it over.
        if (activeTurn !== null) await client.query(`SELECT pg_notify('handoff', '${QUEUE_CHANNEL}')`);
        return { value };
      });
      if (held) return held.value;
    }
    throw new Error('the log of the task never came to rest');
  };
}
