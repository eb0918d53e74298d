import { median, percentile } from './stats.ts';

/** What a figure should be: at most, or at least, so much. `of` says which number is held to it. */
export interface Goal {
  of: 'median' | 'max' | 'difference' | 'ratio';
  atMost?: number;
  atLeast?: number;
}

/** One line of a bench's table. */
export interface Figure {
  name: string;
  unit: string;
  /** What was measured, at least one value. */
  values: number[];
  /** The same without what is being measured, in the same run. */
  baseline?: number[];
  goal?: Goal;
}

/** A figure as it is shown and written: numbers, and whether the goal was met. */
export interface FigureReport {
  name: string;
  unit: string;
  n: number;
  median: number;
  p95: number;
  max: number;
  baseline?: number;
  difference?: number;
  ratio?: number;
  goal?: string;
  isMet?: boolean;
}

export function reportOf({ name, unit, values, baseline, goal }: Figure): FigureReport {
  const own = { median: median(values), p95: percentile(values, 0.95), max: Math.max(...values) };
  const base = baseline === undefined ? undefined : median(baseline);
  const compared =
    base === undefined ? {} : { baseline: base, difference: own.median - base, ratio: own.median / base };
  return {
    name,
    unit,
    n: values.length,
    ...own,
    ...compared,
    ...(goal === undefined ? {} : judged(goal, { ...own, ...compared })),
  };
}

function judged(
  { of, atMost, atLeast }: Goal,
  numbers: Partial<Record<Goal['of'], number>>,
): { goal: string; isMet: boolean } {
  const number = numbers[of] ?? NaN;
  const parts = [
    ...(atMost === undefined ? [] : [`<= ${atMost}`]),
    ...(atLeast === undefined ? [] : [`>= ${atLeast}`]),
  ];
  return {
    goal: `${of} ${parts.join(', ')}`,
    isMet: number <= (atMost ?? Infinity) && number >= (atLeast ?? -Infinity),
  };
}

const HEADS = ['', 'unit', 'n', 'median', 'p95', 'max', 'baseline', 'diff', 'ratio', 'goal', 'met'];

/** The figures as a table of plain text, a line each. */
export function tableOf(reports: readonly FigureReport[]): string {
  const rows = [HEADS, ...reports.map(cells)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

function cells(report: FigureReport): string[] {
  const { name, unit, n, baseline, difference, ratio, goal, isMet } = report;
  return [
    name,
    unit,
    String(n),
    ...[report.median, report.p95, report.max, baseline, difference, ratio].map(rounded),
    goal ?? '',
    isMet === undefined ? '' : isMet ? 'yes' : 'NO',
  ];
}

/** Three significant digits; more only where the number itself has more before the point. */
function rounded(value: number | undefined): string {
  if (value === undefined) return '';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toPrecision(3);
}
