import { diffArrays } from 'diff';
import type { Hunk } from './review.ts';

/** A run of lines that two texts share, or one where they differ. Lines keep their terminators. */
export type Run = { kind: 'same'; lines: string[] } | { kind: 'changed'; before: string[]; after: string[] };

/** The same of base and proposal, with the identity of what differs. */
export type Segment =
  | Exclude<Run, { kind: 'changed' }>
  | (Extract<Run, { kind: 'changed' }> & { hash: string });

/** How many base lines on either side of a hunk go into its identity, so that equal edits in other places differ. */
const IDENTITY_CONTEXT = 3;

/** Digits of a hash that are kept: units are told apart within one path, and lists of thousands of them travel. */
export const HASH_LENGTH = 24;

/**
 * Beyond this many added and removed lines, what differs is one hunk from its first line to its last. The differ's work grows with the
 * square of it: 0.1 s and 20 MB at 2,000, half a minute at 20,000.
 */
const MAX_EDITS = 2_000;

/** Lines with their terminators: joining them gives the text back exactly, CRLF and a missing last newline included. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline + 1;
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}

/**
 * Base and proposal as alternating runs, with no context. Concatenating every `same` and `before` gives base;
 * every `same` and `after` gives the proposal. The same texts give the same runs on every machine.
 * @param digest a collision-free hash of a string, given by the caller because this function is pure
 */
export function segments(base: string, proposal: string, digest: (text: string) => string): Segment[] {
  const before = splitLines(base);
  return identify(runsBetween(before, splitLines(proposal)), before, digest);
}

/** Two lists of lines as alternating runs: see `segments`. */
export function runsBetween(before: string[], after: string[]): Run[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;

  const runs: Run[] = [];
  if (head > 0) runs.push({ kind: 'same', lines: before.slice(0, head) });
  for (const run of align(before.slice(head, before.length - tail), after.slice(head, after.length - tail))) {
    runs.push(run);
  }
  if (tail > 0) runs.push({ kind: 'same', lines: before.slice(before.length - tail) });
  return runs;
}

/** The runs of two lists of lines which begin and end differently. */
function align(before: string[], after: string[]): Run[] {
  if (before.length === 0 && after.length === 0) return [];
  const whole: Run[] = [{ kind: 'changed', before, after }];
  if (before.length === 0 || after.length === 0) return whole;
  const changes = diffArrays(before, after, { maxEditLength: MAX_EDITS });
  if (changes === undefined) return whole;
  const runs: Run[] = [];
  for (const { added, removed, value } of changes) {
    const last = runs.at(-1);
    if (!added && !removed) runs.push({ kind: 'same', lines: value });
    else if (last?.kind !== 'changed')
      runs.push({ kind: 'changed', before: removed ? value : [], after: added ? value : [] });
    else if (added) last.after = last.after.concat(value);
    else last.before = last.before.concat(value);
  }
  return runs;
}

/**
 * Gives each change its hash: of what it removes and adds, the base lines around it, and which of the base's equal places it is at. What
 * else the proposal changes is no part of it, so that a decision outlives the agent's later edits elsewhere, and taking one change out
 * leaves all others as they were.
 */
function identify(runs: Run[], base: string[], digest: (text: string) => string): Segment[] {
  const rankOf = placesIn(base);
  let line = 0;
  return runs.map((run) => {
    const start = line;
    line += run.kind === 'same' ? run.lines.length : run.before.length;
    if (run.kind === 'same') return run;
    const around = [
      base.slice(Math.max(0, start - IDENTITY_CONTEXT), start),
      run.before,
      run.after,
      base.slice(line, line + IDENTITY_CONTEXT),
    ];
    return { ...run, hash: digest(`${rankOf(start, line)}:${JSON.stringify(around)}`) };
  });
}

/** Counts, for the lines from `start` to `end` of a base, the places before them that look the same, context included. */
function placesIn(base: string[]): (start: number, end: number) => number {
  let lines: Map<string, number[]> | undefined;
  return (start, end) => {
    const from = start - IDENTITY_CONTEXT;
    const to = end + IDENTITY_CONTEXT;
    // At an end of the base there is less context than anywhere else.
    if (from < 0 || to > base.length) return 0;
    lines ??= positionsOf(base);
    // The rarest line of them has the fewest places to look at.
    let rarest: { offset: number; at: number[] } | undefined;
    for (let offset = 0; offset < to - from; offset++) {
      const at = lines.get(base[from + offset] ?? '') ?? [];
      if (rarest === undefined || at.length < rarest.at.length) rarest = { offset, at };
    }
    const { offset = 0, at = [] } = rarest ?? {};
    let rank = 0;
    for (const position of at) {
      const other = position - offset;
      if (other >= from) break;
      if (other >= 0 && isSame(base, other, from, to - from)) rank++;
    }
    return rank;
  };
}

function positionsOf(lines: string[]): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    const known = positions.get(line);
    if (known) known.push(index);
    else positions.set(line, [index]);
  }
  return positions;
}

function isSame(lines: string[], a: number, b: number, length: number): boolean {
  for (let index = 0; index < length; index++) if (lines[a + index] !== lines[b + index]) return false;
  return true;
}

/** The changes of `runs` as positions in both texts, 1-based; an empty side names the line before it, as unified diff does. */
export function hunksOf(runs: Segment[]): Hunk[] {
  const hunks: Hunk[] = [];
  let oldLine = 1;
  let newLine = 1;
  for (const run of runs) {
    const before = run.kind === 'same' ? run.lines.length : run.before.length;
    const after = run.kind === 'same' ? run.lines.length : run.after.length;
    if (run.kind === 'changed') {
      hunks.push({
        hash: run.hash,
        oldStart: before === 0 ? oldLine - 1 : oldLine,
        oldLines: before,
        newStart: after === 0 ? newLine - 1 : newLine,
        newLines: after,
      });
    }
    oldLine += before;
    newLine += after;
  }
  return hunks;
}
