import * as z from 'zod';
import { CheckRun, type Evidence, Finding } from '../../protocol/agents.ts';
import { AGENT_LIMITS } from './limits.ts';

/** What a model says of itself at its end, by its kind. Trees, blobs and what changed are the relay's word. */

const summary = z
  .string()
  .trim()
  .min(1)
  .max(AGENT_LIMITS.summary)
  .describe('The conclusion, in a few sentences.');
const lines = {
  path: z.string().trim().min(1).max(4096).describe('Relative to the workspace.'),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
};

export const ExplorerReport = z.object({
  summary,
  answer: z
    .string()
    .trim()
    .min(1)
    .max(AGENT_LIMITS.answer)
    .describe('What was asked for, in full, with what you could not find or are not sure of.'),
  evidence: z
    .array(z.object(lines))
    .max(AGENT_LIMITS.evidence)
    .describe('The lines that show it. Empty only where nothing was found.'),
});
export type ExplorerReport = z.infer<typeof ExplorerReport>;

export const ExecutorReport = z.object({
  summary,
  checks: z
    .array(
      z.object({
        command: z.string().trim().min(1).max(1000),
        outcome: CheckRun.shape.outcome,
        output: z
          .string()
          .max(100_000)
          .optional()
          .describe('The end of what it printed, where that says something.'),
      }),
    )
    .max(AGENT_LIMITS.checks)
    .describe('What you ran to check your work, as it last came out.'),
});
export type ExecutorReport = z.infer<typeof ExecutorReport>;

export const ReviewerReport = z.object({
  summary,
  findings: z
    .array(
      z.object({
        ...lines,
        severity: Finding.shape.severity,
        text: z.string().trim().min(1).max(AGENT_LIMITS.summary),
      }),
    )
    .max(AGENT_LIMITS.findings)
    .describe('Each on lines that were changed. Empty where nothing is wrong.'),
});
export type ReviewerReport = z.infer<typeof ReviewerReport>;

/** The same once the relay has looked at it: what is kept of it, and handed up. */
export type Reported =
  | { kind: 'explorer'; summary: string; answer: string; evidence: Evidence[] }
  | { kind: 'executor'; summary: string; checks: CheckRun[] }
  | { kind: 'reviewer'; summary: string; findings: Finding[] };
