import type { CommentPlace } from './comments.ts';
import { splitLines } from './hunks.ts';

/** Lines 1-based and inclusive. */
export interface LineRange {
  startLine: number;
  endLine: number;
}

/** Fewer letters and digits than these (a brace, an empty line) are in every file many times: they are looked for close by only. */
const TELLING = 4;
/** How many lines away that is. */
const CLOSE_BY = 20;

/**
 * Where the lines that a comment is about are in `text`, which may be newer than what it was written on: the nearest place that
 * has exactly these lines, white space at their ends aside. `stale` where there is none any more.
 */
export function placeNow(
  { startLine, snippet }: Pick<CommentPlace, 'startLine' | 'snippet'>,
  text: string,
): LineRange | 'stale' {
  const wanted = linesOf(snippet);
  const away = (at: number): number => Math.abs(at - (startLine - 1));
  let nearest: number | undefined;
  for (const at of placesOf(wanted, linesOf(text))) {
    if (nearest === undefined || away(at) < away(nearest)) nearest = at;
  }
  const isTelling = (snippet.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= TELLING;
  if (nearest === undefined || (!isTelling && away(nearest) > CLOSE_BY)) return 'stale';
  return { startLine: nearest + 1, endLine: nearest + wanted.length };
}

/**
 * Where these lines are among others, from the first place on. In one pass (Knuth, Morris, Pratt), for there may be thousands of blank
 * lines on both sides.
 */
function* placesOf(wanted: readonly string[], lines: readonly string[]): Generator<number> {
  /** For each line of `wanted`, how many lines up to it are what `wanted` begins with. */
  const borders = [0];
  const follow = (line: string | undefined, from: number): number => {
    let count = from;
    while (count > 0 && wanted[count] !== line) count = borders[count - 1] ?? 0;
    return wanted[count] === line ? count + 1 : count;
  };
  for (let index = 1; index < wanted.length; index++)
    borders.push(follow(wanted[index], borders[index - 1] ?? 0));
  let found = 0;
  for (const [index, line] of lines.entries()) {
    found = follow(line, found);
    if (found === wanted.length) yield index + 1 - found;
  }
}

/** What a person sees as lines: an ending last line begins no other. */
function linesOf(text: string): string[] {
  const lines = splitLines(text).map((line) => line.trimEnd());
  return lines.length === 0 ? [''] : lines;
}
