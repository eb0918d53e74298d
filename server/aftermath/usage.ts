import type { Database } from '../engine/database.ts';
import { OWNER } from '../http/auth.ts';
import type { Caps } from '../models/spend.ts';
import { dayOf } from '../models/spend-ledger.ts';
import type { CapUsage, Sums, UsageReport } from '../protocol/usage.ts';
import { type EventLog, readAll } from '../tasks/event-log.ts';
import { entriesOf } from './usage-entries.ts';

/** The book of what model calls used and cost, which outlives the tasks. */
export interface UsageBook {
  /** Enters the calls of a turn that ended as its log has them, in place of what was entered while it ran; again changes nothing. */
  record(turn: { taskId: string; turnId: string }): Promise<void>;
  /** What the owner's tasks used at or after `since`, milliseconds since 1970. */
  report(owner: string, since: number): Promise<UsageReport>;
}

/** Tasks that a report names. */
const MOST_TASKS = 100;

const SUMS = `count(*) AS calls, coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output,
  coalesce(sum(cached_tokens), 0) AS cached, coalesce(sum(cost), 0) AS cost, count(*) FILTER (WHERE cost IS NULL) AS unpriced`;

/** As Postgres gives counts and sums: as text. */
interface SumRow {
  /** What they are sums of: a name, a day, or nothing. */
  key: string;
  turns: string;
  calls: string;
  input: string;
  output: string;
  cached: string;
  cost: string;
  unpriced: string;
}

/** @param caps as the settings are now */
export function createUsageBook(
  database: Database,
  log: EventLog,
  caps: () => Caps,
  now: () => number,
): UsageBook {
  /** Calls that are under way are no use yet. */
  async function sumsBy(column: string, order: string, owner: string, since: number): Promise<SumRow[]> {
    const { rows } = await database.query<SumRow>(
      `SELECT ${column} AS key, count(DISTINCT turn_id) AS turns, ${SUMS} FROM handoff.spend
       WHERE owner = $1 AND at >= $2 AND reserved IS NULL GROUP BY 1 ORDER BY ${order} LIMIT ${MOST_TASKS}`,
      [owner, since],
    );
    return rows;
  }
  const dearest = 'sum(cost) DESC NULLS LAST, sum(input_tokens) + sum(output_tokens) DESC NULLS LAST, 1';

  async function usedToday(owner: string | undefined): Promise<number> {
    const { rows } = await database.query<{ used: string }>(
      `SELECT coalesce(sum(coalesce(cost, reserved)), 0) AS used FROM handoff.spend
       WHERE day = $1 AND ($2::text IS NULL OR owner = $2)`,
      [dayOf(now()), owner ?? null],
    );
    return Number(rows[0]?.used);
  }

  /** What all together use is the relay's owner's to see. */
  async function capsOf(owner: string): Promise<CapUsage[]> {
    const { turn, task, user, day } = caps();
    return [
      ...(turn === undefined ? [] : [{ cap: 'turn' as const, limitMicros: turn }]),
      ...(task === undefined ? [] : [{ cap: 'task' as const, limitMicros: task }]),
      ...(user === undefined
        ? []
        : [{ cap: 'user' as const, limitMicros: user, usedMicros: await usedToday(owner) }]),
      ...(day === undefined || owner !== OWNER
        ? []
        : [{ cap: 'day' as const, limitMicros: day, usedMicros: await usedToday(undefined) }]),
    ];
  }

  return {
    async record({ taskId, turnId }) {
      const started = await log.find(taskId, `${turnId}:started`);
      const entries = entriesOf(await readAll(log, taskId, started?.seq), turnId);
      await database.transaction(async (client) => {
        await client.query('DELETE FROM handoff.spend WHERE turn_id = $1 AND NOT message_id = ANY ($2)', [
          turnId,
          entries.map(({ messageId }) => messageId),
        ]);
        await client.query(ENTER, [
          taskId,
          turnId,
          JSON.stringify(entries.map((entry) => ({ ...entry, day: dayOf(entry.at) }))),
        ]);
      });
    },

    async report(owner, since) {
      const [total] = await sumsBy(`''`, '1', owner, since);
      const models = await sumsBy('model', dearest, owner, since);
      const tasks = await sumsBy('task_id', dearest, owner, since);
      const roles = await sumsBy('role', dearest, owner, since);
      const days = await sumsBy('day', '1 DESC', owner, since);
      return {
        since,
        total: sumsOf(total),
        models: models.map((row) => ({ model: row.key, turns: Number(row.turns), ...sumsOf(row) })),
        tasks: tasks.map((row) => ({ taskId: row.key, ...sumsOf(row) })),
        roles: roles.map((row) => ({ role: row.key, ...sumsOf(row) })),
        days: days.map((row) => ({ day: row.key, ...sumsOf(row) })),
        caps: await capsOf(owner),
      };
    },
  };
}

/** All of it is ours (names of models and roles, ids, figures), so it may be taken apart as JSON. */
const ENTER = `
  INSERT INTO handoff.spend
    (message_id, task_id, turn_id, agent_id, owner, role, model, at, day, input_tokens, output_tokens, cached_tokens, cost)
  SELECT e."messageId", t.task_id, $2, e."agentId", t.owner, e.role, e.model, e.at, e.day,
    e."inputTokens", e."outputTokens", e."cachedInputTokens", e."costMicros"
  FROM handoff.tasks t, json_to_recordset($3::json) AS e (
    "messageId" text, "agentId" text, role text, model text, at bigint, day text,
    "inputTokens" bigint, "outputTokens" bigint, "cachedInputTokens" bigint, "costMicros" bigint
  )
  WHERE t.task_id = $1
  ON CONFLICT (message_id) DO UPDATE SET model = excluded.model, input_tokens = excluded.input_tokens,
    output_tokens = excluded.output_tokens, cached_tokens = excluded.cached_tokens,
    cost = excluded.cost, reserved = NULL, token = NULL`;

function sumsOf(row: SumRow | undefined): Sums {
  return {
    calls: Number(row?.calls ?? 0),
    inputTokens: Number(row?.input ?? 0),
    outputTokens: Number(row?.output ?? 0),
    cachedInputTokens: Number(row?.cached ?? 0),
    costMicros: Number(row?.cost ?? 0),
    unpriced: Number(row?.unpriced ?? 0),
  };
}
