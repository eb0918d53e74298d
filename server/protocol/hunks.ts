import { diffArrays } from 'diff';
import type { Hunk } from './review.ts';

/** A run of lines that base and proposal share, or one where they differ. Lines keep their terminators. */
export type Segment =
  | { kind: 'same'; lines: string[] }
  | { kind: 'changed'; hash: string; before: string[]; after: string[] };

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
  const after = splitLines(proposal);
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;

  const runs: Segment[] = [];
  if (head > 0) runs.push({ kind: 'same', lines: before.slice(0, head) });
  for (const run of align(before.slice(head, before.length - tail), after.slice(head, after.length - tail))) {
    runs.push(run);
  }
  if (tail > 0) runs.push({ kind: 'same', lines: before.slice(before.length - tail) });
  return identify(runs, before, digest);
}

/** The runs of two lists of lines which begin and end differently; hashes are still empty. */
function align(before: string[], after: string[]): Segment[] {
  if (before.length === 0 && after.length === 0) return [];
  const whole: Segment[] = [{ kind: 'changed', hash: '', before, after }];
  if (before.length === 0 || after.length === 0) return whole;
  const changes = diffArrays(before, after, { maxEditLength: MAX_EDITS });
  if (changes === undefined) return whole;
  const runs: Segment[] = [];
  for (const { added, removed, value } of changes) {
    const last = runs.at(-1);
    if (!added && !removed) runs.push({ kind: 'same', lines: value });
    else if (last?.kind !== 'changed')
      runs.push({ kind: 'changed', hash: '', before: removed ? value : [], after: added ? value : [] });
    else if (added) last.after = last.after.concat(value);
    else last.before = last.before.concat(value);
  }
  return runs;
}

/**
 * Gives each change its hash: of what it removes and adds, the base lines around it, and its rank among equals. What else the proposal
 * changes is not part of it, so that a decision outlives the agent's later edits elsewhere.
 */
function identify(runs: Segment[], base: string[], digest: (text: string) => string): Segment[] {
  const seen = new Map<string, number>();
  let line = 0;
  return runs.map((run) => {
    const start = line;
    line += run.kind === 'same' ? run.lines.length : run.before.length;
    if (run.kind === 'same') return run;
    const identity = JSON.stringify([
      base.slice(Math.max(0, start - IDENTITY_CONTEXT), start),
      run.before,
      run.after,
      base.slice(line, line + IDENTITY_CONTEXT),
    ]);
    const rank = seen.get(identity) ?? 0;
    seen.set(identity, rank + 1);
    return { ...run, hash: digest(`${rank}:${identity}`) };
  });
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
