import type { Logger } from 'pino';
import type { Database } from '../engine/database.ts';
import { APPEND_EVENTS, appendValues } from '../tasks/event-log.ts';
import type { SandboxRef } from './sandbox.ts';

/** How long (ms) a sandbox that could not be hibernated is left alone. */
const AGAIN_MS = 60_000;
/** How many are put to sleep at one look, so that what else waits for a look is not kept waiting. */
const MOST_AT_ONCE = 20;

interface Row {
  sandbox: SandboxRef;
  sleepAt: string;
}

/** Of task `t`, at `$1` (ms since 1970): nobody works in its sandbox, or has to look at what was left there. */
const IS_DUE = `t.sleep_at <= $1 AND NOT t.archived AND t.sandbox IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM handoff.turns u
  WHERE u.task_id = t.task_id AND (u.state IN ('waiting', 'running') OR u.aftermath_due))`;

/**
 * Hibernates the sandboxes of this machine that nobody has needed for a while. A task is locked meanwhile: a message that comes just
 * then waits for that, and wakes the sandbox again.
 */
export function createIdleSweep(deps: {
  database: Database;
  hibernate: (taskId: string, ref: SandboxRef) => Promise<void>;
  host: string;
  now: () => number;
  logger: Logger;
}): () => Promise<void> {
  const { database, now } = deps;

  async function due(): Promise<string[]> {
    const { rows } = await database.query<{ taskId: string }>({
      name: 'due-to-sleep',
      text: `SELECT t.task_id AS "taskId" FROM handoff.tasks t
             WHERE ${IS_DUE} AND t.host = $2 ORDER BY t.sleep_at LIMIT $3`,
      values: [now(), deps.host, MOST_AT_ONCE],
    });
    return rows.map(({ taskId }) => taskId);
  }

  /** Looks again with the task locked, in a statement of its own: it sees what was committed before the lock was had. */
  const fallAsleep = (taskId: string): Promise<void> =>
    database.transaction(async (client) => {
      const locked = await client.query(
        'SELECT 1 FROM handoff.tasks WHERE task_id = $1 FOR UPDATE SKIP LOCKED',
        [taskId],
      );
      if (locked.rowCount !== 1) return;
      const { rows } = await client.query<Row>(
        `SELECT t.sandbox, t.sleep_at AS "sleepAt" FROM handoff.tasks t WHERE ${IS_DUE} AND t.task_id = $2`,
        [now(), taskId],
      );
      if (rows[0]) {
        const { sandbox, sleepAt } = rows[0];
        await deps.hibernate(taskId, sandbox);
        await client.query(
          APPEND_EVENTS,
          appendValues(taskId, null, now(), [
            { key: `hibernated:${sleepAt}`, event: { type: 'sandbox.changed', state: 'hibernated' } },
          ]),
        );
        await client.query('UPDATE handoff.tasks SET sleep_at = NULL WHERE task_id = $1', [taskId]);
      }
    });

  return async () => {
    for (const taskId of await due()) {
      try {
        await fallAsleep(taskId);
      } catch (error) {
        deps.logger.warn({ taskId, err: error }, 'an idle sandbox could not be hibernated');
        await database.query(
          'UPDATE handoff.tasks SET sleep_at = $2 WHERE task_id = $1 AND sleep_at IS NOT NULL',
          [taskId, now() + AGAIN_MS],
        );
      }
    }
  };
}
