import { diffArrays } from 'diff';
import type { Hunk } from './review.ts';

/** A run of lines that base and proposal share, or one where they differ. Lines keep their terminators. */
export type Segment =
  | { kind: 'same'; lines: string[] }
  | { kind: 'changed'; hash: string; before: string[]; after: string[] };

/** How many lines on either side of a hunk go into its identity, so that equal edits in other places differ. */
const IDENTITY_CONTEXT = 3;

/** Beyond this many edits the differ gives up and the file is one hunk: bounded work for any input. */
const MAX_EDITS = 20_000;

/** Lines with their terminators: joining them gives the text back exactly, CRLF and a missing last newline included. */
export function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/**
 * Base and proposal as alternating runs, with no context. Concatenating every `same` and `before` gives base;
 * every `same` and `after` gives the proposal.
 * @param digest a collision-free hash of a string, given by the caller because this function is pure
 */
export function segments(base: string, proposal: string, digest: (text: string) => string): Segment[] {
  const before = splitLines(base);
  const after = splitLines(proposal);
  const changes = diffArrays(before, after, { maxEditLength: MAX_EDITS });
  const runs: Segment[] = [];
  if (changes === undefined) runs.push({ kind: 'changed', hash: '', before, after });
  for (const change of changes ?? []) {
    if (!change.added && !change.removed) {
      runs.push({ kind: 'same', lines: change.value });
      continue;
    }
    const last = runs.at(-1);
    const open: Segment & { kind: 'changed' } =
      last?.kind === 'changed' ? last : { kind: 'changed', hash: '', before: [], after: [] };
    if (open !== last) runs.push(open);
    (change.added ? open.after : open.before).push(...change.value);
  }
  return identify(runs, digest);
}

/** Gives each change its hash: of what it removes and adds, the base lines around it, and its rank among equals. */
function identify(runs: Segment[], digest: (text: string) => string): Segment[] {
  const seen = new Map<string, number>();
  return runs.map((run, index) => {
    if (run.kind === 'same') return run;
    const above = runs[index - 1];
    const below = runs[index + 1];
    const identity = JSON.stringify([
      above?.kind === 'same' ? above.lines.slice(-IDENTITY_CONTEXT) : [],
      run.before,
      run.after,
      below?.kind === 'same' ? below.lines.slice(0, IDENTITY_CONTEXT) : [],
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
