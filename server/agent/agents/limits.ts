import type { AgentKind } from '../../protocol/agents.ts';

/** Every figure that bounds subagents, in one place, each with its reason. */
export const AGENT_LIMITS = {
  /** Agents below the lead, one below the other: an executor's explorer may ask one more. What is deeper nobody reads. */
  depth: 3,
  /** Subagents in a turn, those of subagents included: a lead that needs more has not divided its task, but lost it. */
  inTurn: 24,
  /**
   * Of one agent's children that work at once; the others wait for them. Readers wait for their models most of the time; each writer
   * takes a machine of its own.
   */
  readersAtOnce: 4,
  writersAtOnce: 2,
  /** The same for children of children: so that no more than some twenty work at once in a whole turn. */
  readersAtOnceBelow: 2,
  /** Of its model calls, what an agent keeps when it has others work for it: to read what they hand up, and to hand up its own. */
  keptCalls: 2,
  /** Results that are no results until a child is given up: it is told once what is wrong. */
  invalidResults: 2,
  /** Characters of a summary, and of an answer: longer ones are not conclusions, and cost in every later call of the parent. */
  summary: 2000,
  answer: 12_000,
  /** Places that an explorer names, and findings of a reviewer: a person reads them, too. */
  evidence: 50,
  findings: 50,
  /** Checks of an executor, and characters of what one printed, from its end. */
  checks: 20,
  checkOutput: 2000,
  /** Bytes of a file that is looked into for evidence: larger ones are not read by anybody. */
  evidenceFileBytes: 10_000_000,
  /** Bytes of the proposal's diff that a reviewer is given at once; the rest it asks for file by file. */
  diff: 60_000,
  /** Paths that are named of an executor's work: who needs the rest looks at the workspace. One call may make tens of thousands. */
  paths: 100,
  /** Facts gone stale that one message names: after these the file is to be explored anew anyway. */
  staleFacts: 30,
} as const;

/** What a subagent may use up unless less is asked for. Tokens count input and output of every call, also what a provider had in its cache. */
export const AGENT_BUDGETS: Record<AgentKind, { modelCalls: number; tokens: number; seconds: number }> = {
  // One that needs more has lost its way; its parent can ask again, and better. 60 calls of 50,000 tokens each.
  explorer: { modelCalls: 60, tokens: 3_000_000, seconds: 15 * 60 },
  // Half of what a lead has, who may have several of them; builds and tests take their time.
  executor: { modelCalls: 150, tokens: 10_000_000, seconds: 60 * 60 },
  // It reads a proposal that a person could read.
  reviewer: { modelCalls: 60, tokens: 3_000_000, seconds: 20 * 60 },
};
