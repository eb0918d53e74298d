import type pg from 'pg';
import { QUEUE_CHANNEL, TURN_FORMAT, turnChannel } from '../engine/claims.ts';
import type { Answer, Mode } from '../protocol/commands.ts';
import { APPEND_EVENTS, type AppendedRow, appendValues } from './event-log.ts';
import type {
  AskedQuestion,
  KnownMessage,
  Message,
  TaskRow,
  TaskTransaction,
  TurnStanding,
} from './task-store.ts';

export const TURN_STANDING =
  'SELECT state, epoch, stop_requested AS "stopRequested" FROM handoff.turns WHERE turn_id = $1';

/** Instead of a model call, for a message that the person took back: it stays, so that sending it again is not sending it anew. */
const WITHDRAWN = 'withdrawn';

/** The statements that may run while `row` is locked by `client`'s open transaction. */
export function taskTransaction(client: pg.PoolClient, row: TaskRow, now: () => number): TaskTransaction {
  const { taskId } = row;
  const setActive = (turnId: string | null) =>
    client.query('UPDATE handoff.tasks SET active_turn = $2 WHERE task_id = $1', [taskId, turnId]);
  const announceQueue = () => client.query(`SELECT pg_notify('handoff', '${QUEUE_CHANNEL}')`);

  return {
    row,

    async startTurn(turnId, at) {
      await client.query(
        'INSERT INTO handoff.turns (turn_id, task_id, created_at, format) VALUES ($1, $2, $3, $4)',
        [turnId, taskId, at, TURN_FORMAT],
      );
      await setActive(turnId);
      await announceQueue();
    },

    async endTurn(turnId) {
      await client.query(
        `UPDATE handoff.turns SET state = 'ended', relay = NULL, aftermath_due = true WHERE turn_id = $1`,
        [turnId],
      );
      if (row.activeTurn === turnId) await setActive(null);
      await announceQueue();
    },

    async standing(turnId) {
      const { rows } = await client.query<TurnStanding>(TURN_STANDING, [turnId]);
      return rows[0];
    },

    async parkTurn(turnId, sleepAt) {
      await client.query(`UPDATE handoff.turns SET state = 'parked', relay = NULL WHERE turn_id = $1`, [
        turnId,
      ]);
      await client.query('UPDATE handoff.tasks SET sleep_at = $2 WHERE task_id = $1', [taskId, sleepAt]);
      await announceQueue();
    },

    async continueTurn(turnId) {
      await client.query(
        `UPDATE handoff.turns SET state = 'waiting' WHERE turn_id = $1 AND state = 'parked'`,
        [turnId],
      );
      await announceQueue();
    },

    async requestStop(turnId) {
      await client.query('UPDATE handoff.turns SET stop_requested = true WHERE turn_id = $1', [turnId]);
      await client.query(`SELECT pg_notify('handoff', $1)`, [turnChannel(turnId)]);
    },

    async requestAgentStop(turnId, agentId, at) {
      await client.query(
        'INSERT INTO handoff.agent_stops (agent_id, turn_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [agentId, turnId, at],
      );
      await client.query(`SELECT pg_notify('handoff', $1)`, [turnChannel(turnId)]);
    },

    async addMessage(turnId, { messageId, text, selection, mode }) {
      await client.query(
        `INSERT INTO handoff.messages (task_id, message_id, turn_id, text, selection, mode)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (task_id, message_id) DO NOTHING`,
        [taskId, messageId, turnId, text, JSON.stringify(selection), mode ?? null],
      );
    },

    async findMessage(messageId) {
      const { rows } = await client.query<KnownMessage>(
        `SELECT turn_id AS "turnId", text, CASE WHEN delivered_to IS NULL THEN 'queued'
                WHEN delivered_to = $3 THEN 'withdrawn' ELSE 'delivered' END AS state
         FROM handoff.messages WHERE task_id = $1 AND message_id = $2`,
        [taskId, messageId, WITHDRAWN],
      );
      return rows[0];
    },

    async editMessage(messageId, text) {
      await client.query('UPDATE handoff.messages SET text = $3 WHERE task_id = $1 AND message_id = $2', [
        taskId,
        messageId,
        text,
      ]);
    },

    async removeMessage(messageId) {
      await client.query(
        `UPDATE handoff.messages SET delivered_to = $3 WHERE task_id = $1 AND message_id = $2`,
        [taskId, messageId, WITHDRAWN],
      );
    },

    async takeUndelivered(deliveredTo) {
      const { rows } = await client.query<MessageRow>(
        `UPDATE handoff.messages SET delivered_to = $2 WHERE task_id = $1 AND delivered_to IS NULL
         RETURNING message_id AS "messageId", text, selection, mode, place`,
        [taskId, deliveredTo],
      );
      return inOrder(rows);
    },

    async takeMessages(deliveredTo) {
      const { rows } = await client.query<MessageRow>(
        `UPDATE handoff.messages SET delivered_to = $2
         WHERE task_id = $1 AND (delivered_to IS NULL OR delivered_to = $2)
         RETURNING message_id AS "messageId", text, selection, mode, place`,
        [taskId, deliveredTo],
      );
      return inOrder(rows);
    },

    async setArchived() {
      await client.query('UPDATE handoff.tasks SET archived = true WHERE task_id = $1', [taskId]);
    },

    async disarm() {
      const { rows } = await client.query<{ depositId: string }>(
        'DELETE FROM handoff.deposits WHERE task_id = $1 RETURNING deposit_id AS "depositId"',
        [taskId],
      );
      return rows[0]?.depositId;
    },

    async hasUndelivered() {
      const { rowCount } = await client.query(
        'SELECT 1 FROM handoff.messages WHERE task_id = $1 AND delivered_to IS NULL LIMIT 1',
        [taskId],
      );
      return rowCount === 1;
    },

    async questions(turnId) {
      // By key and not by what the bodies say: reading into a body fails where anything in it is no text to Postgres.
      const { rows } = await client.query<{ key: string; at: string; body: unknown }>(
        `SELECT key, at, body FROM handoff.events
         WHERE task_id = $1 AND key >= $2 AND key < $3 AND key ~ ':(asked|answered|held)$'
           AND type IN ('question.asked', 'question.answered', 'spend.held')
         ORDER BY seq`,
        [taskId, `${turnId}:`, `${turnId};`],
      );
      const bodies = new Map(
        rows.map(({ key, body }) => [key, body as { answer?: Answer; agentId?: string }]),
      );
      return rows
        .filter(({ key }) => key.endsWith(':asked'))
        .map(({ key, at, body }) => ({
          question: body as AskedQuestion['question'],
          at: Number(at),
          answer: bodies.get(key.replace(/asked$/, 'answered'))?.answer ?? null,
          holds: bodies.get(key.replace(/asked$/, 'held'))?.agentId,
        }));
    },

    async append(speaker, events) {
      const { rows } = await client.query<AppendedRow>(
        APPEND_EVENTS,
        appendValues(taskId, speaker, now(), events),
      );
      return rows[0]?.last !== -1;
    },
  };
}

/** A message as its row has it. */
export type MessageRow = Omit<Message, 'mode'> & { mode: Mode | null; place: string };

/** Messages as they came: an UPDATE returns its rows in any order. */
export function inOrder(rows: MessageRow[]): Message[] {
  return rows
    .toSorted((a, b) => Number(a.place) - Number(b.place))
    .map(({ messageId, text, selection, mode }) => ({
      ...{ messageId, text, selection },
      ...(mode === null ? {} : { mode }),
    }));
}
