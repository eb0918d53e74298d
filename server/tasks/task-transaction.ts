import type pg from 'pg';
import { APPEND_EVENTS, appendValues } from './event-log.ts';
import type { Message, TaskRow, TaskTransaction } from './task-store.ts';

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

    async addMessage(turnId, { messageId, text, selection }) {
      await client.query(
        `INSERT INTO handoff.messages (task_id, message_id, turn_id, text, selection)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (task_id, message_id) DO NOTHING`,
        [taskId, messageId, turnId, text, JSON.stringify(selection)],
      );
    },

    async findMessage(messageId) {
      const { rows } = await client.query<{ turnId: string; isDelivered: boolean }>(
        `SELECT turn_id AS "turnId", delivered_to IS NOT NULL AS "isDelivered"
         FROM handoff.messages WHERE task_id = $1 AND message_id = $2`,
        [taskId, messageId],
      );
      return rows[0];
    },

    async takeUndelivered(deliveredTo) {
      const { rows } = await client.query<Message & { place: string }>(
        `UPDATE handoff.messages SET delivered_to = $2 WHERE task_id = $1 AND delivered_to IS NULL
         RETURNING message_id AS "messageId", text, selection, place`,
        [taskId, deliveredTo],
      );
      return inOrder(rows);
    },

    async setArchived() {
      await client.query('UPDATE handoff.tasks SET archived = true WHERE task_id = $1', [taskId]);
    },

    async hasUndelivered() {
      const { rowCount } = await client.query(
        'SELECT 1 FROM handoff.messages WHERE task_id = $1 AND delivered_to IS NULL LIMIT 1',
        [taskId],
      );
      return rowCount === 1;
    },

    async append(turnId, events) {
      await client.query(APPEND_EVENTS, appendValues(taskId, turnId, now(), events));
    },
  };
}

/** Messages as they came: an UPDATE returns its rows in any order. */
export function inOrder(rows: (Message & { place: string })[]): Message[] {
  return rows
    .toSorted((a, b) => Number(a.place) - Number(b.place))
    .map(({ messageId, text, selection }) => ({ messageId, text, selection }));
}
