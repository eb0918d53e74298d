import { QUEUE_CHANNEL } from '../engine/claims.ts';
import type { Database } from '../engine/database.ts';
import type { TaskState } from '../protocol/task.ts';
import { APPEND_EVENTS, appendValues, type KeyedEvent } from './event-log.ts';
import type { TaskStates } from './task-states.ts';

/** A task whose row is locked: no turn of it begins or is claimed, nothing is appended to its log but by the holder. */
export interface HeldTask {
  /** At the log's last event. */
  state: TaskState;
  activeTurn: string | null;
  archived: boolean;
  /** @returns the log's last seq */
  append(events: KeyedEvent[]): Promise<number>;
}

/**
 * Runs `work` with the task held, perhaps again where the connection breaks. Messages to the task wait meanwhile: seconds, no more.
 * `work` asks the database through nothing but what it is given, or all connections might be held by those who wait for one.
 */
export type HoldTask = <T>(taskId: string, work: (task: HeldTask) => Promise<T>) => Promise<T>;

/** How often a log may outrun its reader. */
const MOST_TRIES = 100;

interface Row {
  seq: number;
  activeTurn: string | null;
  archived: boolean;
}

export function createTaskHold(database: Database, states: TaskStates, now: () => number): HoldTask {
  return async (taskId, work) => {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      // Read before, so that no holder waits for a second connection: all of them could be holders'.
      const state = await states.current(taskId);
      const held = await database.transaction(async (client) => {
        const { rows } = await client.query<Row>(
          `SELECT seq, active_turn AS "activeTurn", archived FROM handoff.tasks WHERE task_id = $1 FOR UPDATE`,
          [taskId],
        );
        if (rows[0]?.seq !== state.seq) return undefined;
        const { activeTurn, archived } = rows[0];
        const append = async (events: KeyedEvent[]): Promise<number> => {
          const values = appendValues(taskId, null, now(), events);
          const appended = await client.query<{ last: number }>(APPEND_EVENTS, values);
          return appended.rows[0]?.last ?? state.seq;
        };
        const value = await work({ state, activeTurn, archived, append });
        // Relays that looked for work meanwhile have passed it over.
        if (activeTurn !== null) await client.query(`SELECT pg_notify('handoff', '${QUEUE_CHANNEL}')`);
        return { value };
      });
      if (held) return held.value;
    }
    throw new Error('the log of the task never came to rest');
  };
}
