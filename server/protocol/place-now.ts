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
  const lines = linesOf(text);
  const away = (at: number): number => Math.abs(at - (startLine - 1));
  const [nearest] = lines
    .flatMap((_, at) => (wanted.every((line, index) => lines[at + index] === line) ? [at] : []))
    .sort((a, b) => away(a) - away(b));
  const isTelling = (snippet.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= TELLING;
  if (nearest === undefined || (!isTelling && away(nearest) > CLOSE_BY)) return 'stale';
  return { startLine: nearest + 1, endLine: nearest + wanted.length };
}

/** What a person sees as lines: an ending last line begins no other. */
function linesOf(text: string): string[] {
  const lines = splitLines(text).map((line) => line.trimEnd());
  return lines.length === 0 ? [''] : lines;
}
