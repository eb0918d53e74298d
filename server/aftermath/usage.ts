import { usageOf } from '../agent/halt.ts';
import type { Database } from '../engine/database.ts';
import type { Usage } from '../protocol/agent-events.ts';
import type { EventOf } from '../protocol/events.ts';
import type { UsageReport } from '../protocol/usage.ts';
import { type EventLog, readAll } from '../tasks/event-log.ts';

/** The book of what turns used, which outlives the tasks. */
export interface UsageBook {
  /** Enters a turn that ended; entering it again changes nothing. */
  record(turn: { taskId: string; turnId: string }): Promise<void>;
  /** What the owner's turns used that ended at or after `since`, milliseconds since 1970. */
  report(owner: string, since: number): Promise<UsageReport>;
}

interface Sums {
  model: string | null;
  turns: string;
  input: string;
  output: string;
  cached: string;
}

export function createUsageBook(database: Database, log: EventLog): UsageBook {
  /** The model of the turn's last call. */
  async function modelOf(taskId: string, turnId: string): Promise<string | null> {
    const { rows } = await database.query<{ body: Pick<EventOf<'model.called'>, 'model'> }>(
      `SELECT body FROM handoff.events
       WHERE task_id = $1 AND type = 'model.called' AND key >= $2 AND key < $3 ORDER BY seq DESC LIMIT 1`,
      [taskId, `${turnId}:`, `${turnId};`],
    );
    return rows[0]?.body.model ?? null;
  }

  /** One that was ended without being run, such as a parked one, was ended without being added up. */
  async function usedBy(taskId: string, turnId: string, told: Usage): Promise<Usage> {
    return Object.keys(told).length > 0 ? told : usageOf(await readAll(log, taskId), turnId);
  }

  return {
    async record({ taskId, turnId }) {
      const ended = await log.find(taskId, `${turnId}:ended`);
      if (ended?.type !== 'turn.ended') return;
      const used = await usedBy(taskId, turnId, ended.usage);
      await database.query(
        `INSERT INTO handoff.usage
           (turn_id, task_id, owner, at, model, input_tokens, output_tokens, cached_tokens)
         SELECT $2, task_id, owner, $3, $4, $5, $6, $7 FROM handoff.tasks WHERE task_id = $1
         ON CONFLICT (turn_id) DO NOTHING`,
        [
          taskId,
          turnId,
          ended.at,
          await modelOf(taskId, turnId),
          used.inputTokens ?? null,
          used.outputTokens ?? null,
          used.cachedInputTokens ?? null,
        ],
      );
    },

    async report(owner, since) {
      const { rows } = await database.query<Sums>(
        `SELECT model, count(*) AS turns, coalesce(sum(input_tokens), 0) AS input,
                coalesce(sum(output_tokens), 0) AS output, coalesce(sum(cached_tokens), 0) AS cached
         FROM handoff.usage WHERE owner = $1 AND at >= $2
         GROUP BY model ORDER BY coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0) DESC, model`,
        [owner, since],
      );
      return {
        since,
        models: rows.map(({ model, turns, input, output, cached }) => ({
          model,
          turns: Number(turns),
          inputTokens: Number(input),
          outputTokens: Number(output),
          cachedInputTokens: Number(cached),
        })),
      };
    },
  };
}
