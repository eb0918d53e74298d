import * as z from 'zod';
import { Failure } from './errors.ts';

/** `GET /v1/health`: answers without a token, so it says nothing but what a client needs to go on. */
export const Health = z.object({ status: z.literal('ok'), version: z.string(), protocol: z.number().int() });
export type Health = z.infer<typeof Health>;

/** `GET /v1/ready`: the engine is up; says what the relay lacks for doing work. */
export const Ready = z.object({
  ready: z.boolean(),
  modelConfigured: z.boolean(),
  model: z.string().optional(),
  sandbox: z.string(),
  /** What keeps it from working now, and passes; absent where nothing does. */
  troubles: z.array(Failure).optional(),
});
export type Ready = z.infer<typeof Ready>;
