import type { CapUsage, Sums, UsageReport } from './usage.ts';

/** A report of spending as Markdown whose columns stand below each other, so that it is read as well in a terminal. */
export function spendingText(report: UsageReport, titles: ReadonlyMap<string, string>): string {
  const { total, caps, days, models, roles, tasks } = report;
  if (total.calls === 0) return `# Spending\n\nNo model was called yet.\n${capsText(caps)}`;
  const unpriced =
    total.unpriced === 0
      ? ''
      : ` ${total.unpriced} of them were of models whose price is not known, and count as nothing.`;
  return [
    `# Spending\n\n${usd(total.costMicros)} for ${total.calls} model calls.${unpriced}\n`,
    capsText(caps),
    section(
      'Day',
      days.map((row) => [row.day, row]),
    ),
    section(
      'Model',
      models.map((row) => [row.model, row]),
    ),
    section(
      'Role',
      roles.map((row) => [row.role, row]),
    ),
    section(
      'Task',
      tasks.map((row) => [titles.get(row.taskId) ?? row.taskId, row]),
    ),
  ].join('');
}

const CAPS: Record<CapUsage['cap'], string> = {
  turn: 'each turn',
  task: 'each task',
  user: 'your tasks in a day (UTC)',
  day: 'the relay in a day (UTC)',
};

function capsText(caps: readonly CapUsage[]): string {
  if (caps.length === 0) return '';
  const lines = caps.map(({ cap, limitMicros, usedMicros }) => {
    const left =
      usedMicros === undefined ? '' : `, ${usd(Math.max(0, limitMicros - usedMicros))} of it left today`;
    return `- ${CAPS[cap]}: ${usd(limitMicros)}${left}\n`;
  });
  return `\n## Caps\n\n${lines.join('')}`;
}

/** Characters of a name that are shown. */
const NAME_LENGTH = 60;

function section(heading: string, rows: [string, Sums][]): string {
  const cells = rows.map(([name, sums]) => [
    nameOf(name),
    usd(sums.costMicros),
    String(sums.calls),
    String(sums.inputTokens),
    String(sums.cachedInputTokens),
    String(sums.outputTokens),
  ]);
  const head = [heading, 'Cost', 'Calls', 'Input', 'of it cached', 'Output'];
  const widths = head.map((cell, at) => Math.max(cell.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |\n`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return `\n${line(head)}${line(rule)}${cells.map(line).join('')}`;
}

/** In one cell of one row, whatever a person or a provider named it. */
function nameOf(name: string): string {
  const text = name
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .replaceAll('|', '/')
    .trim();
  return text.length <= NAME_LENGTH ? text : `${text.slice(0, NAME_LENGTH - 1).toWellFormed()}…`;
}

/** To the cent, and to the hundredth of one where it is less than ten. */
const usd = (micros: number): string =>
  `$${(micros / 1_000_000).toFixed(micros > 0 && micros < 100_000 ? 4 : 2)}`;
