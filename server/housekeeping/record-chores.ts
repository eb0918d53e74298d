import type { Database } from '../engine/database.ts';
import type { Engine } from '../engine/durable.ts';
import { compactTask, tasksToCompact } from './compact.ts';
import type { Chore } from './housekeeping.ts';

/** How long (ms) after a turn's end its log is put together: whoever watched it has read it by then. */
const COMPACT_AFTER_MS = 3_600_000;
/** How long (ms) it is known what GitHub told: it offers to tell it again for three days. */
const DELIVERIES_KEPT_MS = 7 * 24 * 3_600_000;
/** How long a relay is remembered that nobody took over for. */
const RELAY_KEPT = '1 day';

/** How many of each are removed in one sweep, at most. */
const MOST_TASKS = 200;
const MOST_ROWS = 5000;

/** What the database has too much of. */
export function recordChores(deps: {
  database: Database;
  engine: Pick<Engine, 'forget'>;
  /** How long (ms) archived tasks and ended workflows are kept. */
  retentionMs: number;
  now: () => number;
}): Chore[] {
  const { database, engine, retentionMs, now } = deps;
  const chore = (name: string, most: number, remove: () => Promise<number>): Chore => ({
    name,
    scope: 'database',
    run: async () => {
      const removed = await remove();
      return { removed, isMore: removed >= most };
    },
  });
  const rows = async (text: string, values: unknown[]): Promise<number> =>
    (await database.query(text, values)).rowCount ?? 0;

  return [
    {
      name: 'pieces of text and output',
      scope: 'database',
      async run() {
        const before = now() - COMPACT_AFTER_MS;
        const taskIds = await tasksToCompact(database, before, MOST_TASKS);
        let removed = 0;
        for (const taskId of taskIds) removed += await compactTask(database, taskId, before);
        return { removed, isMore: taskIds.length === MOST_TASKS };
      },
    },
    chore('ended workflows', MOST_ROWS, () => engine.forget(now() - retentionMs, MOST_ROWS)),
    chore('archived tasks', MOST_TASKS, () => rows(REMOVE_TASKS, [now() - retentionMs, MOST_TASKS])),
    chore('decisions of ended turns', MOST_ROWS, () => rows(REMOVE_MEMOS, [MOST_ROWS])),
    chore('deliveries of GitHub', MOST_ROWS, () =>
      rows(REMOVE_DELIVERIES, [now() - DELIVERIES_KEPT_MS, MOST_ROWS]),
    ),
    chore('relays that are gone', MOST_ROWS, () => rows(REMOVE_RELAYS, [])),
  ];
}

/** Their events, turns and messages go with them; what they used stays in `handoff.usage`. One with a sandbox waits for its release. */
const REMOVE_TASKS = `
  WITH old AS (
    SELECT task_id FROM handoff.tasks t
    WHERE archived AND updated_at < $1 AND active_turn IS NULL AND sandbox IS NULL
      AND NOT EXISTS (SELECT 1 FROM handoff.turns u WHERE u.task_id = t.task_id AND u.aftermath_due)
    ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM handoff.tasks t USING old WHERE t.task_id = old.task_id RETURNING t.task_id, t.host
  ), noted AS (
    INSERT INTO handoff.removed_tasks (task_id, host) SELECT task_id, host FROM gone WHERE host IS NOT NULL
    ON CONFLICT (task_id) DO UPDATE SET host = excluded.host
  )
  SELECT task_id FROM gone`;

/**
 * A turn's id begins the keys of what its steps decided; a machine's checkout has a key of its own, and stays. So does what a model was shown: it
 * is a part of the conversation, which goes on.
 */
const REMOVE_MEMOS = `
  DELETE FROM handoff.memos m USING (
    SELECT k.task_id, k.key FROM handoff.memos k
    JOIN handoff.turns u ON u.turn_id = split_part(k.key, ':', 1) AND u.task_id = k.task_id
    WHERE u.state = 'ended' AND NOT u.aftermath_due AND k.key NOT LIKE '%:media:%' LIMIT $1
  ) old WHERE m.task_id = old.task_id AND m.key = old.key`;

const REMOVE_DELIVERIES = `
  DELETE FROM handoff.deliveries WHERE delivery_id IN (
    SELECT delivery_id FROM handoff.deliveries WHERE at < $1 LIMIT $2)`;

const REMOVE_RELAYS = `
  DELETE FROM handoff.relays r WHERE seen_at < now() - interval '${RELAY_KEPT}'
    AND NOT EXISTS (SELECT 1 FROM handoff.turns u WHERE u.relay = r.relay_id AND u.state = 'running')`;
