import * as z from 'zod';

/** Values as OpenTelemetry's attributes have them. */
export const AttributeValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);
export const Attributes = z.record(z.string(), AttributeValue);
export type Attributes = z.infer<typeof Attributes>;

/** Something that was done from `startAt` to `endAt` (ms since 1970), as OpenTelemetry has it. Its ids are made of what it is about. */
export const TraceSpan = z.object({
  /** 16 bytes, hex: of its turn. */
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  /** 8 bytes, hex. */
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  /** `client`: it was done elsewhere. */
  kind: z.enum(['internal', 'client']),
  startAt: z.number(),
  endAt: z.number(),
  attributes: Attributes,
  events: z.array(z.object({ name: z.string(), at: z.number(), attributes: Attributes })),
  /** Why it failed, by a code; absent where it did not. */
  error: z.string().optional(),
});
export type TraceSpan = z.infer<typeof TraceSpan>;

/** `GET /v1/tasks/{id}/trace`: all turns of a task, oldest first, each with the whole tree of its agents. */
export const TaskTrace = z.object({ spans: z.array(TraceSpan) });
export type TaskTrace = z.infer<typeof TaskTrace>;
