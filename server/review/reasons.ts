import { type Segment, splitLines } from '../protocol/hunks.ts';
import type { Item, Turn } from '../protocol/task.ts';

/** A call of the agent's that wrote a file, and why, in its own words. */
export interface Why {
  callId: string;
  /** As the agent named it. */
  path: string;
  why: string;
  written: string;
  /** What that took the place of; undefined where it was the whole file. */
  replaced: string | undefined;
}

/** What the agent said of what it wrote, in order. Turns that were rolled back are not among a task's turns. */
export const whysOf = (turns: readonly Turn[]): Why[] =>
  turns.flatMap(({ items }) => items.flatMap(whysOfItem));

function whysOfItem(item: Item): Why[] {
  if (item.kind !== 'tool' || item.isError !== false) return [];
  if (item.name !== 'write' && item.name !== 'edit') return [];
  const { callId, name, input } = item;
  const path = textOf(input, 'path');
  const why = textOf(input, 'why')?.replace(/\s+/g, ' ').trim();
  if (path === undefined || !why) return [];
  if (name === 'write') {
    const written = textOf(input, 'content');
    return written === undefined ? [] : [{ callId, path, why, written, replaced: undefined }];
  }
  const edits: unknown = fieldOf(input, 'edits') ?? [input];
  return (Array.isArray(edits) ? edits : []).flatMap((edit: unknown) => {
    const [written, replaced] = [textOf(edit, 'newText'), textOf(edit, 'oldText')];
    return written === undefined ? [] : [{ callId, path, why, written, replaced }];
  });
}

const fieldOf = (input: unknown, name: string): unknown =>
  typeof input === 'object' && input !== null ? Reflect.get(input, name) : undefined;

function textOf(input: unknown, name: string): string | undefined {
  const value = fieldOf(input, name);
  return typeof value === 'string' ? value : undefined;
}

/**
 * The reason for each hunk of a file, by its hash: of the call whose text has the most in common with what the hunk adds and removes;
 * of those alike, the last. A hunk that no call wrote has none.
 */
export function reasonsFor(
  path: string,
  runs: readonly Segment[],
  whys: readonly Why[],
): Map<string, string> {
  const reasons = new Map<string, string>();
  const calls = whys.filter((why) => isOf(why.path, path)).map(toCall);
  if (calls.length === 0) return reasons;
  for (const run of runs) {
    if (run.kind === 'same') continue;
    let best = 0;
    for (const { why, overlap } of calls) {
      const score = overlap(run);
      if (score === 0 || score < best) continue;
      best = score;
      reasons.set(run.hash, why);
    }
  }
  return reasons;
}

/** Whether the path that the agent named, which may be absolute, is that one. */
function isOf(named: string, path: string): boolean {
  const clean = named.replace(/\/+/g, '/').replaceAll('/./', '/').replace(/^\.\//, '');
  return clean === path || (clean.startsWith('/') && clean.endsWith(`/${path}`));
}

type Changed = Extract<Segment, { kind: 'changed' }>;
interface Call {
  why: string;
  /** How much of the hunk the call wrote, or took away. */
  overlap: (run: Changed) => number;
}

function toCall({ why, written, replaced }: Why): Call {
  if (replaced === undefined) {
    const added = sideOf(written, '');
    // A file that was written anew lost what is not in it.
    const isGone = (line: string): boolean => !added.lines.has(line.trim());
    return {
      why,
      overlap: ({ before, after }) =>
        after.length > 0 ? 2 * common(after, added) : before.every(isGone) ? 1 : 0,
    };
  }
  const [added, removed] = [sideOf(written, replaced), sideOf(replaced, written)];
  // What is there counts for more than what is gone: later calls change what earlier ones wrote, not what they took away.
  return { why, overlap: ({ before, after }) => 2 * common(after, added) + common(before, removed) };
}

interface Side {
  lines: ReadonlySet<string>;
  /** First and last line, which may be parts of one. */
  edges: string[];
}

/** Shorter pieces of a line are in many others. */
const TELLING = 3;

/** What of `text` is not in `other`, without white space around. */
function sideOf(text: string, other: string): Side {
  const known = new Set(trimmed(other));
  const lines = trimmed(text).filter((line) => line !== '' && !known.has(line));
  const edges = [...new Set([lines.at(0), lines.at(-1)])].filter((line) => line !== undefined);
  return { lines: new Set(lines), edges: edges.filter(({ length }) => length >= TELLING) };
}

const trimmed = (text: string): string[] => splitLines(text).map((line) => line.trim());

function common(lines: readonly string[], { lines: known, edges }: Side): number {
  return lines.reduce((sum, line) => {
    const text = line.trim();
    if (known.has(text)) return sum + text.length;
    const pieces = edges.filter((edge) => text.includes(edge)).map(({ length }) => length);
    return sum + Math.max(0, ...pieces);
  }, 0);
}
