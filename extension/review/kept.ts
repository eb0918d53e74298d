import { diffArrays } from 'diff';
import { type Segment, splitLines } from '../../server/protocol/hunks.ts';
import type { FileChange } from '../../server/protocol/review.ts';

/** Lines of a document, 0-based; `lines` is 0 where the hunk only takes away, and `start` the line before that. */
export interface Place {
  start: number;
  lines: number;
}

/** Where the hunks of a file are in what is shown of it, which has none of the rejected ones. */
export function placesIn({ hunks }: FileChange, rejected: ReadonlySet<string>): Map<string, Place> {
  const places = new Map<string, Place>();
  let moved = 0;
  for (const { hash, oldLines, newStart, newLines } of hunks) {
    if (rejected.has(hash)) moved += oldLines - newLines;
    else places.set(hash, { start: Math.max(0, newStart - 1 + moved), lines: newLines });
  }
  return places;
}

/**
 * The changes that `text` is composed of: the reverse of `compose`. Undefined where it is not base and some of the changes, and
 * nothing else. Where it can be so in several ways, the one with the fewest changes left out is answered.
 */
export function unitsIn(runs: readonly Segment[], text: string): Set<string> | undefined {
  const lines = splitLines(text);
  const follows = (at: number, some: readonly string[]) =>
    some.every((line, index) => lines[at + index] === line);
  /** How far the lines may have been read, with the changes left out until there. */
  let ways = new Map<number, LeftOut | undefined>([[0, undefined]]);
  for (const run of runs) {
    const next = new Map<number, LeftOut | undefined>();
    const reach = (at: number, left: LeftOut | undefined): void => {
      const known = next.get(at);
      if (!next.has(at) || sizeOf(left) < sizeOf(known)) next.set(at, left);
    };
    for (const [at, left] of ways) {
      if (run.kind === 'same') {
        if (follows(at, run.lines)) reach(at + run.lines.length, left);
        continue;
      }
      if (follows(at, run.after)) reach(at + run.after.length, left);
      if (follows(at, run.before))
        reach(at + run.before.length, { hash: run.hash, before: left, size: sizeOf(left) + 1 });
    }
    ways = next;
  }
  if (!ways.has(lines.length)) return undefined;
  const units = new Set(runs.flatMap((run) => (run.kind === 'changed' ? [run.hash] : [])));
  for (let left = ways.get(lines.length); left; left = left.before) units.delete(left.hash);
  return units;
}

interface LeftOut {
  hash: string;
  before: LeftOut | undefined;
  size: number;
}

const sizeOf = (left: LeftOut | undefined): number => left?.size ?? 0;

/**
 * `text` with the ends of line of `original` wherever a line of it is still there. The editor knows one end of line for a whole
 * document and makes mixed ones alike, single carriage returns included, which nobody has asked for.
 */
export function withEndsOf(original: string, text: string): string {
  const ends = new Set(original.match(END));
  if (ends.size < 2 && !ends.has('\r')) return text;
  const before = linesOf(original);
  const kept: string[] = [];
  let at = 0;
  for (const { added, removed, value } of diffArrays(before.map(bare), linesOf(text).map(bare))) {
    if (removed) at += value.length;
    else if (added) kept.push(...value.map((line) => withEnd(line, endOf(before[at - 1] ?? before[0]))));
    else {
      kept.push(...before.slice(at, at + value.length));
      at += value.length;
    }
  }
  const joined = kept.join('');
  return /\n$/.test(text) ? joined : joined.replace(/(\r\n|\r|\n)$/, '');
}

/** What the editor takes for the end of a line: a carriage return by itself, too. */
const END = /\r\n|\r|\n/g;
const linesOf = (text: string): string[] => text.match(/[^\r\n]*(\r\n|\r|\n)|[^\r\n]+$/g) ?? [];

/** A line whose end is like all others': what tells lines apart when their ends do not count. */
const bare = (line: string): string => line.replace(/(\r\n|\r)$/, '\n');
const endOf = (line: string | undefined): string => (line?.endsWith('\r\n') ? '\r\n' : '\n');
const withEnd = (line: string, end: string): string => line.replace(/\n$/, end);
