import type { Database } from '../engine/database.ts';
import type { Usage } from '../protocol/agent-events.ts';
import type { CapName, CapState, Caps, Spend } from './spend.ts';

/** The day (UTC) of an instant in milliseconds since 1970, as `2026-01-31`. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

interface HeldRow {
  cap: CapState['cap'] | null;
  most: string;
  used: string;
  settled: string;
}

const used = (whose: string): string =>
  `(SELECT coalesce(sum(coalesce(s.cost, s.reserved)), 0) FROM handoff.spend s WHERE ${whose})`;

/** Only the sums that are asked for are worked out. */
const STANDING = `
  SELECT c.cap,
    (SELECT coalesce(sum(r.micros), 0) FROM handoff.spend_raises r
     WHERE r.task_id = $1 AND r.cap = c.cap AND (c.cap = 'task' OR r.turn_id = $2)) AS raised,
    CASE c.cap
      WHEN 'turn' THEN ${used('s.turn_id = $2')}
      WHEN 'task' THEN ${used('s.task_id = $1')}
      WHEN 'user' THEN ${used('s.day = $3 AND s.owner = t.owner')}
      ELSE ${used('s.day = $3')}
    END AS used
  FROM handoff.tasks t, unnest($4::text[]) WITH ORDINALITY AS c (cap, place)
  WHERE t.task_id = $1 AND (c.cap <> 'day' OR t.owner = $5)
  ORDER BY c.place`;

/** @param owner by which name the relay knows whose it is */
export function createSpend(deps: {
  /** Waits for a database that is away. */
  database: Database;
  /** As the settings are now. */
  caps: () => Caps;
  owner: string;
  now: () => number;
}): Spend {
  const { database, owner, now } = deps;
  async function enter(messageId: string, token: string, as: string, usage: Usage): Promise<void> {
    const { inputTokens, outputTokens, cachedInputTokens, costMicros } = usage;
    await database.query(
      `UPDATE handoff.spend SET message_id = $3, reserved = NULL, cost = $4,
         input_tokens = $5, output_tokens = $6, cached_tokens = $7 WHERE message_id = $1 AND token = $2`,
      [
        ...[messageId, token, as, costMicros ?? null],
        ...[inputTokens ?? null, outputTokens ?? null, cachedInputTokens ?? null],
      ],
    );
  }

  return {
    caps() {
      const caps = deps.caps();
      return Object.keys(caps).length === 0 ? undefined : caps;
    },

    async reserve({ messageId, token, taskId, turnId, agentId, role, model, mostMicros }, caps) {
      const at = now();
      const { rows } = await database.query<HeldRow>({
        name: 'reserve-spend',
        text: 'SELECT cap, most, used, settled FROM handoff.reserve_spend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)',
        values: [
          ...[messageId, token, taskId, turnId, agentId ?? null, role, model, at, dayOf(at), mostMicros],
          ...[caps.turn ?? null, caps.task ?? null, caps.user ?? null, caps.day ?? null],
        ],
      });
      const [held] = rows;
      if (held === undefined || held.cap === null) return undefined;
      return {
        cap: held.cap,
        limitMicros: Number(held.most),
        usedMicros: Number(held.used),
        settledMicros: Number(held.settled),
      };
    },

    async standing({ taskId, turnId }, caps) {
      const { rows } = await database.query<{ cap: CapName; raised: string; used: string }>({
        name: 'caps-standing',
        text: STANDING,
        values: [taskId, turnId, dayOf(now()), Object.keys(caps), owner],
      });
      return rows.map(({ cap, raised, used }) => ({
        cap,
        limitMicros: (caps[cap] ?? 0) + Number(raised),
        usedMicros: Number(used),
      }));
    },

    settle: (messageId, token, usage) => enter(messageId, token, messageId, usage),
    // By a name of its own: the next attempt at the call takes the place of what has the call's.
    settleFailed: (messageId, token, usage) => enter(messageId, token, `${messageId}:failed:${token}`, usage),

    async release(messageId, token) {
      await database.query('DELETE FROM handoff.spend WHERE message_id = $1 AND token = $2', [
        messageId,
        token,
      ]);
    },

    async raise({ questionId, taskId, turnId, cap, micros }) {
      await database.query(
        `INSERT INTO handoff.spend_raises (question_id, task_id, turn_id, cap, micros)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (question_id) DO NOTHING`,
        [questionId, taskId, turnId, cap, micros],
      );
    },

    async ownsRelay(taskId) {
      const { rows } = await database.query<{ owner: string }>(
        'SELECT owner FROM handoff.tasks WHERE task_id = $1',
        [taskId],
      );
      return rows[0]?.owner === owner;
    },
  };
}
