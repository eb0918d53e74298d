import type pg from 'pg';
import type { Claim } from '../engine/claims.ts';
import type { Database } from '../engine/database.ts';
import { AppError } from '../errors.ts';
import type { SourceSpec } from '../protocol/source.ts';
import type { TaskRow, TaskStore, TurnStanding } from './task-store.ts';
import { TURN_STANDING, taskTransaction } from './task-transaction.ts';

/** Of `handoff.tasks`, what makes a `TaskRow`. */
export const TASK_COLUMNS =
  'task_id AS "taskId", spec, active_turn AS "activeTurn", sandbox, prepared, archived, owner, host';

export function createTaskStore(database: Database, now: () => number): TaskStore {
  const one = async <T extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<T | undefined> =>
    (await database.query<T>(text, values)).rows[0];

  return {
    get: (taskId) => one<TaskRow>(`SELECT ${TASK_COLUMNS} FROM handoff.tasks WHERE task_id = $1`, [taskId]),

    async page(owner, before, limit) {
      const { rows } = await database.query<{ taskId: string }>(
        `SELECT task_id AS "taskId" FROM handoff.tasks
         WHERE owner = $3 AND NOT archived AND ($1::text IS NULL OR (created_at, task_id) <
           (SELECT created_at, task_id FROM handoff.tasks WHERE task_id = $1))
         ORDER BY created_at DESC, task_id DESC LIMIT $2`,
        [before ?? null, limit + 1, owner],
      );
      const taskIds = rows.slice(0, limit).map((row) => row.taskId);
      const next = rows.length > limit ? taskIds.at(-1) : undefined;
      return { taskIds, ...(next === undefined ? {} : { next }) };
    },

    findByClient: (owner, clientId) =>
      one(
        `SELECT t.task_id AS "taskId", u.turn_id AS "turnId" FROM handoff.tasks t JOIN handoff.turns u USING (task_id)
         WHERE t.client_id = $1 AND t.owner = $2 ORDER BY u.created_at LIMIT 1`,
        [clientId, owner],
      ),

    async setPrepared(taskId, prepared) {
      await database.query('UPDATE handoff.tasks SET prepared = $2 WHERE task_id = $1', [
        taskId,
        JSON.stringify(prepared),
      ]);
    },
    async overlay(taskId) {
      const row = await one<{ overlay: SourceSpec['overlay'] }>(
        'SELECT overlay FROM handoff.tasks WHERE task_id = $1',
        [taskId],
      );
      return row?.overlay ?? [];
    },
    async unreleased(host) {
      const { rows } = await database.query<TaskRow>(
        `SELECT ${TASK_COLUMNS} FROM handoff.tasks WHERE archived AND sandbox IS NOT NULL AND (host IS NULL OR host = $1)`,
        [host],
      );
      return rows;
    },
    async setReleased(taskId) {
      await database.query('UPDATE handoff.tasks SET sandbox = NULL WHERE task_id = $1', [taskId]);
    },

    create: ({ taskId, clientId, spec, overlay, owner, host, at }, work) =>
      database.transaction(async (client) => {
        const { rowCount } = await client.query(
          `INSERT INTO handoff.tasks (task_id, client_id, created_at, updated_at, spec, overlay, owner, host)
           VALUES ($1, $2, $3, $3, $4, $5, $6, $7) ON CONFLICT (client_id) DO NOTHING`,
          [taskId, clientId, at, JSON.stringify(spec), JSON.stringify(overlay), owner, host],
        );
        if (rowCount !== 1) return false;
        await work(taskTransaction(client, await lockRow(client, taskId), now));
        return true;
      }),

    locked: (taskId, work) =>
      database.transaction(async (client) =>
        work(taskTransaction(client, await lockRow(client, taskId), now)),
      ),

    standing: (turnId) => one<TurnStanding>(TURN_STANDING, [turnId]),

    async stoppedAgents(turnId) {
      const { rows } = await database.query<{ agentId: string }>({
        name: 'stopped-agents',
        text: 'SELECT agent_id AS "agentId" FROM handoff.agent_stops WHERE turn_id = $1',
        values: [turnId],
      });
      return rows.map(({ agentId }) => agentId);
    },

    async hasMessagesFor(taskId, deliveredTo) {
      const { rowCount } = await database.query({
        name: 'has-messages',
        text: `SELECT 1 FROM handoff.messages
               WHERE task_id = $1 AND (delivered_to IS NULL OR delivered_to = $2) LIMIT 1`,
        values: [taskId, deliveredTo],
      });
      return rowCount === 1;
    },

    async memo<T>(taskId: string, key: string, compute: () => Promise<T>) {
      const known = await one<{ value: T }>(
        'SELECT value FROM handoff.memos WHERE task_id = $1 AND key = $2',
        [taskId, key],
      );
      if (known) return known.value;
      const value = await compute();
      const kept = await one<{ value: T }>(
        `INSERT INTO handoff.memos VALUES ($1, $2, $3)
         ON CONFLICT (task_id, key) DO UPDATE SET value = handoff.memos.value RETURNING value`,
        [taskId, key, JSON.stringify(value)],
      );
      return kept ? kept.value : value;
    },

    async memoOf<T>({ taskId, turnId, epoch }: Claim, key: string, compute: () => Promise<T>) {
      const value = await compute();
      const { rows } = await database.query<{ value: T }>({
        name: 'memo-of',
        text: `INSERT INTO handoff.memos
               SELECT $1, $2, $3 FROM handoff.turns WHERE turn_id = $4 AND epoch = $5 AND state = 'running'
               ON CONFLICT (task_id, key) DO UPDATE SET value = handoff.memos.value RETURNING value`,
        values: [taskId, key, JSON.stringify(value), turnId, epoch],
      });
      return rows[0];
    },
  };
}

async function lockRow(client: pg.PoolClient, taskId: string): Promise<TaskRow> {
  const { rows } = await client.query<TaskRow>(
    `SELECT ${TASK_COLUMNS} FROM handoff.tasks WHERE task_id = $1 FOR UPDATE`,
    [taskId],
  );
  if (!rows[0]) throw noSuchTask(taskId);
  return rows[0];
}

export const noSuchTask = (taskId: string): AppError =>
  new AppError('not_found', `There is no task ${taskId}.`, {
    nextAction: 'Refresh the task list; the task may belong to another relay.',
  });
