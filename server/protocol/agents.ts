import * as z from 'zod';
import { Failure } from './errors.ts';
import { Oid } from './source.ts';

/** Lines of a file which something that an agent claims rests on. `blob` is the file's Git object as it was then. */
export const Evidence = z.object({
  path: z.string().min(1),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
  blob: Oid,
});
export type Evidence = z.infer<typeof Evidence>;

/** Something that a reviewer found on lines that were changed. */
export const Finding = z.object({
  path: z.string().min(1),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
  severity: z.enum(['blocker', 'major', 'minor']),
  text: z.string().min(1),
});
export type Finding = z.infer<typeof Finding>;

/** What became of a check that an executor ran, or of the repository's own. */
export const CheckRun = z.object({
  command: z.string(),
  outcome: z.enum(['passed', 'failed']),
  output: z.string(),
});
export type CheckRun = z.infer<typeof CheckRun>;

/** What a subagent hands up, checked before its parent reads it. Trees and blobs are the relay's word, never the model's. */
export const AgentResult = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('explorer'),
    summary: z.string(),
    answer: z.string(),
    evidence: z.array(Evidence),
  }),
  z.object({
    kind: z.literal('executor'),
    summary: z.string(),
    /** Paths, of all that differs between the two trees; the first of them and how many there are, where that is more than is read. */
    changed: z.array(z.string()),
    changedCount: z.number().int().optional(),
    treeBefore: Oid,
    treeAfter: Oid,
    checks: z.array(CheckRun),
  }),
  z.object({ kind: z.literal('reviewer'), summary: z.string(), findings: z.array(Finding) }),
]);
export type AgentResult = z.infer<typeof AgentResult>;
export type AgentKind = AgentResult['kind'];

/** `over_budget`: it used up its share; `timed_out`: its deadline passed; `invalid`: what it handed up was no result, twice. */
export const AgentOutcome = z.enum(['completed', 'stopped', 'failed', 'timed_out', 'over_budget', 'invalid']);
export type AgentOutcome = z.infer<typeof AgentOutcome>;

/** What a subagent may use up. */
export const AgentBudget = z.object({
  modelCalls: z.number().int().min(1),
  /** Input and output together; absent: what its turn has. */
  tokens: z.number().int().min(1).optional(),
});
export type AgentBudget = z.infer<typeof AgentBudget>;

/** What became of an executor's work in the workspace of its parent. */
export const Merged = z.object({
  changed: z.array(z.string()),
  /** How many it changed, where not all of them are named; the same of conflicts. */
  changedCount: z.number().int().optional(),
  /** Paths where it did not go together with what was done there meanwhile: their text has conflict markers. */
  conflicts: z.array(z.string()),
  conflictCount: z.number().int().optional(),
  /** Its work was left out: it did not come to its end, and nobody asked to keep what there was. */
  isDiscarded: z.boolean(),
});
export type Merged = z.infer<typeof Merged>;

/** A piece of evidence, and who changed its file since, if somebody did. */
export const Fact = z.object({
  ...Evidence.shape,
  stale: z
    .object({
      /** The agent's id, or `person`. */
      by: z.string(),
      /** What is there now; null where the file is gone. */
      blob: Oid.nullable(),
      at: z.number(),
    })
    .optional(),
});
export type Fact = z.infer<typeof Fact>;

/** Who a subagent is, and what it is held to. */
export const agentTerms = {
  parentId: z.string(),
  role: z.string(),
  kind: z.enum(['explorer', 'executor', 'reviewer']),
  description: z.string(),
  depth: z.number().int().min(1),
  model: z.string(),
  /** When it has to have ended, ms since 1970. */
  deadlineAt: z.number().int(),
  budget: AgentBudget,
};

/** A subagent as its card shows it: on the entry of the tool call that it works for. */
export const AgentCard = z.object({
  agentId: z.string(),
  ...agentTerms,
  startedAt: z.number(),
  /** Its own, and that of its own subagents. */
  modelCalls: z.number().int(),
  tokens: z.number().int(),
  /** Millionths of a US dollar; absent where no price is known. */
  costMicros: z.number().int().optional(),
  /** The newest tool call, in a few words; and when something was last heard of it. */
  lastAction: z.string().optional(),
  lastAt: z.number(),
  isStopping: z.literal(true).optional(),
  endedAt: z.number().optional(),
  outcome: AgentOutcome.optional(),
  error: Failure.optional(),
  result: AgentResult.optional(),
  facts: z.array(Fact),
  merged: Merged.optional(),
});
export type AgentCard = z.infer<typeof AgentCard>;

/** `POST /v1/tasks/{id}/agents/{agentId}/stop` answers. `stopped: false` where it had ended. */
export const AgentStopAnswer = z.object({ stopped: z.boolean() });
export type AgentStopAnswer = z.infer<typeof AgentStopAnswer>;
