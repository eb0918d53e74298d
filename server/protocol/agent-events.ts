import * as z from 'zod';
import { AgentOutcome, AgentResult, agentTerms, Merged } from './agents.ts';
import { Mode } from './commands.ts';
import { Failure } from './errors.ts';
import { byAgent, event, inTurn } from './event-shape.ts';
import { Oid } from './source.ts';

/** What the model provider said a call used; a provider that says nothing leaves them out. */
export const Usage = z.object({
  inputTokens: z.number().int().optional(),
  outputTokens: z.number().int().optional(),
  cachedInputTokens: z.number().int().optional(),
  /** Millionths of a US dollar, by the price that was configured for the model; absent where none was. */
  costMicros: z.number().int().optional(),
});
export type Usage = z.infer<typeof Usage>;

const ofAgent = { ...inTurn, agentId: z.string() };

/** What made the relay speak to an agent by itself, once. */
export const NudgeReason = z.enum([
  'repeated_calls',
  'ping_pong',
  'empty_answer',
  'cut_answer',
  'no_change',
  'no_plan',
  'invalid_result',
  'stale_facts',
  'files_refused',
]);
export type NudgeReason = z.infer<typeof NudgeReason>;

/** What happens to agents: their lives, what they know, what they may spend. A part of `TaskEvent`. */
export const agentEvents = [
  /**
   * A subagent begins to work for the tool call `agentId`. `fork`: in a copy of the workspace, whose changes come back by
   * `agent.merged`; `shared`: in the workspace itself, which it cannot change.
   */
  event('agent.started', {
    ...ofAgent,
    ...agentTerms,
    workspace: z.enum(['shared', 'fork']),
  }),
  /** The person asked it to stop; its parent goes on. */
  event('agent.stopping', { ...ofAgent }),
  event('agent.ended', {
    ...ofAgent,
    parentId: z.string(),
    outcome: AgentOutcome,
    result: AgentResult.optional(),
    error: Failure.optional(),
  }),
  /** What an executor made is in its parent's workspace, which now holds `headTree`; or was left out. */
  event('agent.merged', { ...ofAgent, parentId: z.string(), headTree: Oid, ...Merged.shape }),
  /** The file of a fact is no longer what `agentId` read. `by`: who changed it, an agent's id or `person`. */
  event('fact.staled', {
    ...ofAgent,
    path: z.string(),
    blob: Oid,
    now: Oid.nullable(),
    by: z.string(),
  }),

  /**
   * From the model call `messageId` on the conversation is sent cut: results of the calls in `evicted` as handles, and what came
   * before the answer `upTo` as `summary`, if there is one. The log keeps all of it.
   */
  event('context.cut', {
    ...byAgent,
    messageId: z.string(),
    evicted: z.array(z.string()),
    upTo: z.string().optional(),
    summary: z.string().optional(),
    tokensBefore: z.number().int(),
    tokensAfter: z.number().int(),
    /** Of the call that made the summary. */
    model: z.string().optional(),
    usage: Usage.optional(),
  }),
  /** The repository's own rules for what is below a folder, found as the agent first touched something there. */
  event('rules.found', { ...byAgent, path: z.string(), text: z.string() }),
  /** The relay told the agent something by itself, before the model call `messageId`. */
  event('agent.nudged', { ...byAgent, messageId: z.string(), reason: NudgeReason, text: z.string() }),
  /** How the turn goes on working: a plan was approved, or the person chose so. */
  event('mode.changed', { ...inTurn, mode: Mode }),
  /** A hook of the repository's ran for a call (`callId`), or at the turn's end. */
  event('hook.ran', {
    ...inTurn,
    name: z.string(),
    callId: z.string().optional(),
    outcome: z.enum(['passed', 'blocked', 'failed']),
    output: z.string(),
    durationMs: z.number().int(),
  }),
  /** A call was not made because it could have gone past a cap. */
  event('spend.held', {
    ...byAgent,
    messageId: z.string(),
    cap: z.enum(['turn', 'task', 'user', 'day']),
    /**
     * Millionths of a US dollar: the cap, what is used or reserved of it, and what the call could have cost. The first two are absent
     * where they are of what others spend.
     */
    limitMicros: z.number().int().optional(),
    usedMicros: z.number().int().optional(),
    neededMicros: z.number().int(),
    /** What the person's consent adds to the cap. */
    raiseMicros: z.number().int().optional(),
  }),
] as const;
