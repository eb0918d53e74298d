import type { TraceSpan } from '../protocol/trace.ts';

/** The spans of a task as a tree that is read in a terminal: what was done below what, for how long, with how much, and what failed. */
export function treeText(spans: readonly TraceSpan[]): string {
  const below = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId);
  const lines: string[] = [];
  const print = (span: TraceSpan, lead: string, rest: string): void => {
    lines.push(`${lead}${lineOf(span)}`);
    const children = below.get(span.spanId) ?? [];
    children.forEach((child, index) => {
      const isLast = index === children.length - 1;
      print(child, `${rest}${isLast ? '└ ' : '├ '}`, `${rest}${isLast ? '  ' : '│ '}`);
    });
  };
  for (const root of below.get(undefined) ?? []) print(root, '', '');
  return lines.map((line) => `${line}\n`).join('');
}

function lineOf({ name, startAt, endAt, attributes, events, error }: TraceSpan): string {
  const number = (key: string): number | undefined => {
    const value = attributes[key];
    return typeof value === 'number' ? value : undefined;
  };
  const [input, output] = ['input', 'output'].map((kind) => number(`gen_ai.usage.${kind}_tokens`));
  const cached = number('gen_ai.usage.cache_read.input_tokens') ?? 0;
  const cost = number('handoff.usage.cost_micros');
  const retries = events.filter((event) => event.name === 'handoff.retry').length;
  const outcome = attributes['handoff.outcome'];
  return [
    name,
    seconds(endAt - startAt),
    ...(input === undefined && output === undefined
      ? []
      : [`${input ?? 0} in${cached === 0 ? '' : ` (${cached} cached)`}, ${output ?? 0} out`]),
    ...(cost === undefined ? [] : [`$${(cost / 1_000_000).toFixed(4)}`]),
    ...(retries === 0 ? [] : [retries === 1 ? '1 retry' : `${retries} retries`]),
    ...(outcome === undefined || outcome === 'completed' ? [] : [String(outcome)]),
    ...(error === undefined || error === outcome ? [] : [error]),
  ].join('  ');
}

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
