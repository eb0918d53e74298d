import type * as z from 'zod';
import type { CheckRun } from '../../protocol/agents.ts';
import { nameInWorkspace } from '../known-files.ts';
import { defineTool, type Tool, type ToolContext } from '../tools/tool.ts';
import type { ChangedLines } from './changed-lines.ts';
import { onChangedLines } from './changed-lines.ts';
import { withBlobs } from './evidence.ts';
import { AGENT_LIMITS } from './limits.ts';
import { ExecutorReport, ExplorerReport, type Reported, ReviewerReport } from './report-input.ts';

/** The call by which a subagent ends. */
export const REPORT = 'report';

export interface Reporting {
  kind: Reported['kind'];
  /** Keeps what was found good, once: the same report is handed up after a restart. Answers with what is kept. */
  keep: (check: () => Promise<Reported>) => Promise<Reported>;
  /** What differs between the base and the proposal, for a reviewer. */
  changed: () => Promise<readonly ChangedLines[]>;
  /** Whether others have, or may have, changed a path of the workspace since it began to look, for an explorer. */
  changedBeside: () => Promise<(path: string) => boolean>;
  /** Fails where the relay could not take what an executor changed, and it can mend that. */
  assertTaken: () => Promise<void>;
  /** Told of the report that counts. */
  onReported: (reported: Reported) => void;
}

/** How a subagent of that kind hands up what it found or did. What is wrong with it is told to the model, by the error. */
export function reportTool(reporting: Reporting): Tool {
  const { kind, keep, changed, changedBeside, assertTaken, onReported } = reporting;
  const tool = <Schema extends z.ZodObject>(
    about: string,
    input: Schema,
    check: (input: z.output<Schema>, context: ToolContext) => Promise<Reported>,
  ): Tool =>
    defineTool({
      name: REPORT,
      description: `Hands your work up and ends it: ${about} Call it once, as the last thing you do.`,
      input,
      writes: false,
      async run(given, context) {
        onReported(await keep(() => check(given, context)));
        return 'Reported.';
      },
    });
  switch (kind) {
    case 'explorer':
      return tool(
        'your colleague sees nothing else of it.',
        ExplorerReport,
        async ({ summary, answer, evidence }, { sandbox, known }) => {
          const isChanged = await changedBeside();
          // What a search or a command printed may be what was there before.
          const seen = (path: string): string | null | undefined =>
            known(path) === undefined && isChanged(nameInWorkspace(path, sandbox.workdir))
              ? null
              : known(path);
          return { kind, summary, answer, evidence: await withBlobs(sandbox, evidence, seen) };
        },
      );
    case 'executor':
      return tool(
        'what you changed is taken from your workspace.',
        ExecutorReport,
        async ({ summary, checks }) => {
          await assertTaken();
          return { kind, summary, checks: checks.map(shortened) };
        },
      );
    case 'reviewer':
      return tool(
        'each finding goes beside the lines it is about.',
        ReviewerReport,
        async ({ summary, findings }) => ({
          kind,
          summary,
          findings: onChangedLines(findings, await changed()),
        }),
      );
  }
}

const shortened = ({
  command,
  outcome,
  output = '',
}: Omit<CheckRun, 'output'> & { output?: string | undefined }) => ({
  command,
  outcome,
  output: output.slice(-AGENT_LIMITS.checkOutput).toWellFormed(),
});
