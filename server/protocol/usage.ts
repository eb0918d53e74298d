import * as z from 'zod';

const Count = z.number().int().min(0);

/** What the turns of one model used together. Calls that the provider said nothing of count as nothing. */
export const ModelUsage = z.object({
  /** Null for turns that ended before any model was called. */
  model: z.string().nullable(),
  turns: Count,
  inputTokens: Count,
  outputTokens: Count,
  cachedInputTokens: Count,
});
export type ModelUsage = z.infer<typeof ModelUsage>;

/** `GET /v1/usage`: of the caller's own turns that ended at or after `since`, milliseconds since 1970. Most tokens first. */
export const UsageReport = z.object({ since: z.number().int(), models: z.array(ModelUsage) });
export type UsageReport = z.infer<typeof UsageReport>;
