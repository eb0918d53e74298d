import type { Database } from '../engine/database.ts';

/**
 * Takes out of a task's log what was of use only while it happened: the pieces of a text whose whole was answered, and the output of
 * commands whose result is there. Each run of neighbours becomes one `log.compacted`, at the run's last place, so the numbers
 * keep telling a reader what it has seen. Only turns that ended before `before` (milliseconds since 1970), each once.
 *
 * Whatever a reader has seen already, it ends in the same state: what is taken out is overwritten by the answer or the result. But for
 * where an entry stands in the chat: a message that the person sent while a model's call was begun anew stands below the text
 * that was there by then, so the last piece before it stays.
 * @returns how many rows the log has fewer
 */
export async function compactTask(database: Database, taskId: string, before: number): Promise<number> {
  return database.transaction(async (client) => {
    await client.query('SELECT 1 FROM handoff.tasks WHERE task_id = $1 FOR UPDATE', [taskId]);
    const { rows } = await client.query<{ removed: number }>(COMPACT, [taskId, before]);
    return rows[0]?.removed ?? 0;
  });
}

/** Tasks that `compactTask` would find something to do for, at most `limit`. */
export async function tasksToCompact(database: Database, before: number, limit: number): Promise<string[]> {
  const { rows } = await database.query<{ taskId: string }>(
    `SELECT DISTINCT t.task_id AS "taskId" FROM handoff.turns t ${ENDED_BEFORE} LIMIT $2`,
    [before, limit],
  );
  return rows.map(({ taskId }) => taskId);
}

/** A turn's id begins the key of all that its agents say and do, and its last event tells when it ended. */
const ENDED_BEFORE = `
  JOIN handoff.events e ON e.task_id = t.task_id AND e.key = t.turn_id || ':ended'
  WHERE t.state = 'ended' AND NOT t.compacted AND e.at < $1`;

/**
 * By keys alone. Bodies are not looked into: one of them may hold what is no text to Postgres. `whole` is the key of the event that
 * has everything, `until` its place, `next` that of the next piece of the same or, behind the last, of the whole.
 */
const COMPACT = `
  WITH due AS (
    SELECT t.turn_id FROM handoff.turns t
    JOIN handoff.events e ON e.task_id = t.task_id AND e.key = t.turn_id || ':ended'
    WHERE t.task_id = $1 AND t.state = 'ended' AND NOT t.compacted AND e.at < $2
  ), pieces AS (
    SELECT seq, key, CASE type
      WHEN 'text.delta' THEN regexp_replace(key, ':[0-9]+:text:[0-9]+$', ':answered')
      ELSE regexp_replace(key, ':output:(stdout|stderr):[0-9]+$', ':finished')
    END AS whole
    FROM handoff.events WHERE task_id = $1 AND type IN ('text.delta', 'tool.output')
  ), useless AS (
    SELECT p.seq, lead(p.seq, 1, w.seq) OVER (PARTITION BY p.whole ORDER BY p.seq) AS next
    FROM pieces p
    JOIN due ON split_part(p.key, ':', 1) = due.turn_id
    JOIN handoff.events w ON w.task_id = $1 AND w.key = p.whole
      AND w.type IN ('model.answered', 'tool.finished') AND w.seq > p.seq
  ), doomed AS (
    SELECT u.seq FROM useless u WHERE NOT EXISTS (
      SELECT 1 FROM handoff.events m
      WHERE m.task_id = $1 AND m.type = 'message.delivered' AND m.seq > u.seq AND m.seq < u.next
    )
  ), runs AS (
    SELECT min(seq) AS first, max(seq) AS last
    FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM doomed) numbered GROUP BY run
  ), marked AS (
    UPDATE handoff.events e
    SET type = 'log.compacted', key = 'compacted:' || runs.first, body = json_build_object('first', runs.first)
    FROM runs WHERE e.task_id = $1 AND e.seq = runs.last
  ), removed AS (
    DELETE FROM handoff.events e USING doomed d
    WHERE e.task_id = $1 AND e.seq = d.seq AND d.seq NOT IN (SELECT last FROM runs) RETURNING 1
  ), done AS (
    UPDATE handoff.turns t SET compacted = true FROM due WHERE t.turn_id = due.turn_id
  )
  SELECT count(*)::integer AS removed FROM removed`;
