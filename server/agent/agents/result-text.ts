import type { AgentKind, AgentOutcome, AgentResult, Evidence, Merged } from '../../protocol/agents.ts';
import { withRest } from './named-paths.ts';

/** How a subagent's run came to its end, as its parent reads it. */
export interface Ending {
  kind: AgentKind;
  outcome: AgentOutcome;
  result?: AgentResult | undefined;
  error?: { message: string } | undefined;
  merged?: Merged | undefined;
}

/** The text that a parent's model reads: an interface, the same for the same ending. */
export function resultText(ending: Ending): string {
  const { result, merged } = ending;
  if (result === undefined)
    return [headOf(ending), mergedText(ending.kind, merged)].filter(Boolean).join(' ');
  const parts = [result.summary];
  if (result.kind === 'executor' && ending.outcome !== 'completed')
    return [`${headOf(ending)} ${keptText(result)}`, ...parts].filter(Boolean).join('\n\n');
  switch (result.kind) {
    case 'explorer':
      parts.push(result.answer, list('Evidence:', result.evidence.map(placeOf), 'No evidence was named.'));
      break;
    case 'executor':
      parts.push(
        list('Changed:', changedOf(result), 'It changed nothing.'),
        list('Checks:', result.checks.map(checkText), 'It ran no checks.'),
      );
      if (merged && merged.conflicts.length > 0) parts.push(conflictText(merged));
      break;
    case 'reviewer':
      parts.push(
        list(
          'Findings:',
          result.findings.map((finding) => `${placeOf(finding)} (${finding.severity}): ${finding.text}`),
          'It found nothing wrong.',
        ),
      );
  }
  return parts.join('\n\n');
}

const HEADS: Record<Exclude<AgentOutcome, 'completed'>, string> = {
  stopped: 'stopped by the person',
  failed: 'failed',
  timed_out: 'out of time',
  over_budget: 'over its budget',
  invalid: 'no report',
};

function headOf({ outcome, error }: Ending): string {
  const head = outcome === 'completed' ? 'ended' : HEADS[outcome];
  return error === undefined ? `[${head}]` : `[${head}] ${error.message}`;
}

function mergedText(kind: AgentKind, merged: Merged | undefined): string {
  if (kind !== 'executor') return '';
  if (merged === undefined || merged.isDiscarded) return 'Nothing of what it changed is in the workspace.';
  const kept =
    merged.changed.length === 0
      ? 'It had changed nothing.'
      : `What it had changed is kept: ${changedOf(merged).join(', ')}.`;
  return merged.conflicts.length === 0 ? kept : `${kept}\n\n${conflictText(merged)}`;
}

const keptText = (result: Extract<AgentResult, { kind: 'executor' }>): string =>
  list(
    `What it changed is not in the workspace, or only a part of it: look before you go on. All of it is kept beside the task, for the person, as the tree ${result.treeAfter}:`,
    changedOf(result),
    'It had changed nothing.',
  );

const changedOf = ({ changed, changedCount }: Pick<Merged, 'changed' | 'changedCount'>): string[] =>
  withRest(changed, changedCount);

const conflictText = ({ conflicts, conflictCount }: Pick<Merged, 'conflicts' | 'conflictCount'>): string =>
  list(
    'In conflict with what was done meanwhile; look for conflict markers there, and settle them:',
    withRest(conflicts, conflictCount),
    '',
  );

const placeOf = ({ path, startLine, endLine }: Omit<Evidence, 'blob'>): string =>
  startLine === endLine ? `${path}:${startLine}` : `${path}:${startLine}-${endLine}`;

const checkText = ({
  command,
  outcome,
  output,
}: {
  command: string;
  outcome: string;
  output: string;
}): string =>
  output.trim() === ''
    ? `${outcome}: ${command}`
    : `${outcome}: ${command}\n${output.trimEnd().replaceAll(/^/gm, '  ')}`;

const list = (head: string, lines: readonly string[], none: string): string =>
  lines.length === 0 ? none : [head, ...lines.map((line) => `- ${line}`)].join('\n');
