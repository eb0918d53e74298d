import * as z from 'zod';

const head = { seq: z.number().int().min(1), at: z.number().int() };
/** A fact of that type: where it stands in its task's log and when it happened, and what it tells. */
export const event = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ ...head, type: z.literal(type), ...shape });

/**
 * Which agent of a turn it was: absent where it was the lead, who speaks to the person. A subagent's `agentId` is the `callId`
 * of the tool call that it works for; its `parentId` the agent who made that call (the turn's id for the lead).
 */
const by = { agentId: z.string().optional(), parentId: z.string().optional() };

export const inTurn = { turnId: z.string() };
export const byAgent = { ...inTurn, ...by };
