import type pg from 'pg';
import { toRow } from './event-log.ts';
import type { TaskRow, TaskTransaction } from './task-store.ts';

/** The statements that may run while `row` is locked by `client`'s open transaction. */
export function taskTransaction(client: pg.PoolClient, row: TaskRow, now: () => number): TaskTransaction {
  const { taskId } = row;
  const setActive = (turnId: string | null) =>
    client.query('UPDATE handoff.tasks SET active_turn = $2 WHERE task_id = $1', [taskId, turnId]);

  return {
    row,

    async startTurn(turnId, at) {
      await client.query('INSERT INTO handoff.turns (turn_id, task_id, created_at) VALUES ($1, $2, $3)', [
        turnId,
        taskId,
        at,
      ]);
      await setActive(turnId);
    },

    async endTurn(turnId) {
      await client.query('UPDATE handoff.turns SET ended = true WHERE turn_id = $1', [turnId]);
      if (row.activeTurn === turnId) await setActive(null);
    },

    async requestStop(turnId) {
      await client.query('UPDATE handoff.turns SET stop_requested = true WHERE turn_id = $1', [turnId]);
    },

    async addMessage(turnId, { messageId, text, selection }, deliveredTo) {
      const { rowCount } = await client.query(
        `INSERT INTO handoff.messages (task_id, message_id, turn_id, text, selection, delivered_to)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (task_id, message_id) DO NOTHING`,
        [taskId, messageId, turnId, text, JSON.stringify(selection), deliveredTo],
      );
      return rowCount === 1;
    },

    async turnOfMessage(messageId) {
      const { rows } = await client.query<{ turnId: string }>(
        'SELECT turn_id AS "turnId" FROM handoff.messages WHERE task_id = $1 AND message_id = $2',
        [taskId, messageId],
      );
      return rows[0]?.turnId;
    },

    async hasUndelivered() {
      const { rowCount } = await client.query(
        'SELECT 1 FROM handoff.messages WHERE task_id = $1 AND delivered_to IS NULL LIMIT 1',
        [taskId],
      );
      return rowCount === 1;
    },

    async append(turnId, events) {
      const { rows: answers } = await client.query<{ last: number }>(
        'SELECT handoff.append_events($1, $2, $3, $4) AS last',
        [taskId, turnId, now(), JSON.stringify(events.map(toRow))],
      );
      return answers[0]?.last !== -1;
    },
  };
}
