import * as z from 'zod';

const Count = z.number().int().min(0);

/** What some model calls used together. Tokens that the provider said nothing of count as nothing. */
const sums = {
  calls: Count,
  inputTokens: Count,
  outputTokens: Count,
  cachedInputTokens: Count,
  /** Millionths of a US dollar, of the calls whose model had a price. */
  costMicros: Count,
  /** Calls of models whose price is not known. */
  unpriced: Count,
};
export const Sums = z.object(sums);
export type Sums = z.infer<typeof Sums>;

export const ModelUsage = z.object({ model: z.string(), turns: Count, ...sums });
export type ModelUsage = z.infer<typeof ModelUsage>;

/** Where a cap stands, in millionths of a US dollar. */
export const CapUsage = z.object({
  /** Of one turn, of one task, of the caller's tasks in a day (UTC), of all that the relay does in a day. */
  cap: z.enum(['turn', 'task', 'user', 'day']),
  limitMicros: Count,
  /** Of today's, what is used or reserved; absent for what is counted for each turn or task. */
  usedMicros: Count.optional(),
});
export type CapUsage = z.infer<typeof CapUsage>;

/**
 * `GET /v1/usage`: the model calls of the caller's tasks that were made at or after `since`, milliseconds since 1970; those of turns that
 * run are in it where a cap applies. What cost most first; days newest first, tasks at most a hundred.
 */
export const UsageReport = z.object({
  since: z.number().int(),
  total: Sums,
  models: z.array(ModelUsage),
  tasks: z.array(z.object({ taskId: z.string(), ...sums })),
  roles: z.array(z.object({ role: z.string(), ...sums })),
  /** UTC, as `2026-01-31`. */
  days: z.array(z.object({ day: z.string(), ...sums })),
  caps: z.array(CapUsage),
});
export type UsageReport = z.infer<typeof UsageReport>;
