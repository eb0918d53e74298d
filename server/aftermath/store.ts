import type { Database } from '../engine/database.ts';

/** A turn that has ended. */
export interface EndedTurn {
  taskId: string;
  turnId: string;
}

/** What is known, and to be remembered, of what follows turns. */
export interface AftermathStore {
  /** Turns of this machine whose aftermath is owed. One that no machine ever worked on has none, and is let go. */
  owed(host: string): Promise<EndedTurn[]>;
  /** Whether no earlier turn of the task has yet to leave its workspace. */
  isNext(turn: EndedTurn): Promise<boolean>;
  /** Whether all turns of the task that have ended have left its workspace, so that what they did there is known. */
  haveLeft(taskId: string): Promise<boolean>;
  /** Whether the turn has ended, and all is done that follows it. */
  isOver(turn: EndedTurn): Promise<boolean>;
  /** From now on nothing that follows the turn touches the workspace. */
  leave(turn: EndedTurn): Promise<void>;
  /** All is done that follows the turn: from `sleepAt` (ms since 1970) on its sandbox may hibernate, unless the task has gone on. */
  settle(turn: EndedTurn, sleepAt: number): Promise<void>;
}

/** Ends the key of the memo that nothing that follows a turn touches the workspace any more. */
const LEFT = ':left';
export function createAftermathStore(database: Database): AftermathStore {
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

    async isNext({ turnId }) {
      const { rowCount } = await database.query(
        `SELECT 1 FROM handoff.turns mine JOIN handoff.turns u ON u.task_id = mine.task_id AND u.place < mine.place
         WHERE mine.turn_id = $1 AND u.aftermath_due AND NOT EXISTS (
           SELECT 1 FROM handoff.memos m WHERE m.task_id = u.task_id AND m.key = u.turn_id || '${LEFT}') LIMIT 1`,
        [turnId],
      );
      return rowCount === 0;
    },

    async haveLeft(taskId) {
      const { rowCount } = await database.query(
        `SELECT 1 FROM handoff.turns u WHERE u.task_id = $1 AND u.aftermath_due AND NOT EXISTS (
           SELECT 1 FROM handoff.memos m WHERE m.task_id = u.task_id AND m.key = u.turn_id || '${LEFT}') LIMIT 1`,
        [taskId],
      );
      return rowCount === 0;
    },

    async isOver({ taskId, turnId }) {
      const { rowCount } = await database.query(
        `SELECT 1 FROM handoff.turns WHERE turn_id = $2 AND task_id = $1 AND (state <> 'ended' OR aftermath_due)`,
        [taskId, turnId],
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
