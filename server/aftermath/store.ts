import { QUEUE_CHANNEL } from '../engine/claims.ts';
import type { Database } from '../engine/database.ts';
import type { TaskState } from '../protocol/task.ts';
import { APPEND_EVENTS, appendValues, type KeyedEvent } from '../tasks/event-log.ts';
import type { TaskStates } from '../tasks/task-states.ts';

/** A turn that has ended. */
export interface EndedTurn {
  taskId: string;
  turnId: string;
}

/** A task whose row is locked: no turn of it begins or is claimed, nothing is appended to its log but by the holder. */
export interface HeldTask {
  /** At the log's last event. */
  state: TaskState;
  activeTurn: string | null;
  archived: boolean;
  append(events: KeyedEvent[]): Promise<void>;
}

/** What is known, and to be remembered, of what follows turns. */
export interface AftermathStore {
  /** Turns of this machine whose aftermath is owed. One that no machine ever worked on has none, and is let go. */
  owed(host: string): Promise<EndedTurn[]>;
  /**
   * Runs `work` with the task held, perhaps again where the connection breaks. Messages to the task wait meanwhile: seconds, no more.
   * `work` asks the database through nothing but what it is given, or all connections might be held by those who wait for one.
   */
  hold<T>(taskId: string, work: (task: HeldTask) => Promise<T>): Promise<T>;
  /** Whether no earlier turn of the task has yet to leave its workspace. */
  isNext(turn: EndedTurn): Promise<boolean>;
  /** From now on nothing that follows the turn touches the workspace. */
  leave(turn: EndedTurn): Promise<void>;
  /** All is done that follows the turn: from `sleepAt` (ms since 1970) on its sandbox may hibernate, unless the task has gone on. */
  settle(turn: EndedTurn, sleepAt: number): Promise<void>;
}

/** Ends the key of the memo that nothing that follows a turn touches the workspace any more. */
const LEFT = ':left';
/** How often a log may outrun its reader. */
const MOST_TRIES = 100;

interface Row {
  seq: number;
  activeTurn: string | null;
  archived: boolean;
}

export function createAftermathStore(
  database: Database,
  states: TaskStates,
  now: () => number,
): AftermathStore {
  return {
    async owed(host) {
      await database.query(
        `UPDATE handoff.turns u SET aftermath_due = false FROM handoff.tasks t
         WHERE u.aftermath_due AND t.task_id = u.task_id AND t.host IS NULL`,
      );
      const { rows } = await database.query<EndedTurn>({
        name: 'owed-aftermaths',
        text: `SELECT u.task_id AS "taskId", u.turn_id AS "turnId"
               FROM handoff.turns u JOIN handoff.tasks t USING (task_id)
               WHERE u.aftermath_due AND t.host = $1 ORDER BY u.place`,
        values: [host],
      });
      return rows;
    },

    async hold<T>(taskId: string, work: (task: HeldTask) => Promise<T>) {
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
          const append = async (events: KeyedEvent[]): Promise<void> => {
            await client.query(APPEND_EVENTS, appendValues(taskId, null, now(), events));
          };
          const value = await work({ state, activeTurn, archived, append });
          // Relays that looked for work meanwhile have passed it over.
          if (activeTurn !== null) await client.query(`SELECT pg_notify('handoff', '${QUEUE_CHANNEL}')`);
          return { value };
        });
        if (held) return held.value;
      }
      throw new Error('the log of the task never came to rest');
    },

    async isNext({ turnId }) {
      const { rowCount } = await database.query(
        `SELECT 1 FROM handoff.turns mine JOIN handoff.turns u ON u.task_id = mine.task_id AND u.place < mine.place
         WHERE mine.turn_id = $1 AND u.aftermath_due AND NOT EXISTS (
           SELECT 1 FROM handoff.memos m WHERE m.task_id = u.task_id AND m.key = u.turn_id || '${LEFT}') LIMIT 1`,
        [turnId],
      );
      return rowCount === 0;
    },

    async leave({ taskId, turnId }) {
      await database.query(
        `INSERT INTO handoff.memos (task_id, key, value)
         SELECT task_id, $2, 'true' FROM handoff.tasks WHERE task_id = $1 ON CONFLICT DO NOTHING`,
        [taskId, turnId + LEFT],
      );
    },

    settle: ({ taskId, turnId }, sleepAt) =>
      database.transaction(async (client) => {
        await client.query(
          `UPDATE handoff.tasks SET sleep_at = $2
           WHERE task_id = $1 AND active_turn IS NULL AND NOT archived AND sandbox IS NOT NULL`,
          [taskId, sleepAt],
        );
        await client.query('UPDATE handoff.turns SET aftermath_due = false WHERE turn_id = $1', [turnId]);
      }),
  };
}
