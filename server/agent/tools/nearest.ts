/** Lines of a file that are like some text. */
export interface Place {
  /** Of its first line, from 1. */
  line: number;
  lines: string[];
  /** Nothing but white space differs. */
  isSpacing: boolean;
}

/** Lines of the text that are compared; more say no more about where it was meant to be. */
const COMPARED = 20;
/** UTF-16 units of a line that are compared. */
const LINE = 300;
/** Places whose one telling line is alike enough to be looked at whole. */
const CANDIDATES = 40;
/** From 0 to 1: below this a line, or a place, has nothing to do with the text. */
const LIKE_LINE = 0.4;
const LIKE = 0.55;

/**
 * The places of a file that are most like a text that is not in it, the best first.
 * @param room UTF-16 units of the file that are looked at: what is behind them is passed over, for looking takes long
 */
export function nearestPlaces(text: string, wanted: string, most: number, room: number): Place[] {
  const needle = trimBlank(linesOf(wanted)).slice(0, COMPARED).map(toLine);
  const lines = linesOf(text.slice(0, room));
  const telling = needle.reduce(
    (best, line, at) => (line.key.length > (needle[best]?.key.length ?? 0) ? at : best),
    0,
  );
  const anchor = needle[telling];
  if (anchor === undefined || anchor.key === '') return [];

  const candidates = lines
    .map((line, at) => ({ at: at - telling, score: likeness(anchor, line) }))
    .filter(({ score }) => score >= LIKE_LINE)
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .slice(0, CANDIDATES);
  const scored = candidates
    .map(({ at }) => ({ at, score: likenessAt(needle, lines, at) }))
    .filter(({ score }) => score >= LIKE)
    .sort((a, b) => b.score - a.score || a.at - b.at);

  const chosen: typeof scored = [];
  for (const place of scored) {
    if (chosen.length === most) break;
    if (chosen.every(({ at }) => Math.abs(at - place.at) >= needle.length)) chosen.push(place);
  }
  return chosen.map(({ at, score }) => {
    const from = Math.max(0, at);
    return { line: from + 1, lines: lines.slice(from, at + needle.length), isSpacing: score === 1 };
  });
}

interface Line {
  /** Without white space at its ends, and with single spaces inside. */
  key: string;
  /** Of its letters, by `pairOf`, how often each comes. */
  pairs: Map<number, number>;
  count: number;
}

function toLine(line: string): Line {
  const key = keyOf(line);
  const pairs = new Map<number, number>();
  for (let at = 1; at < key.length; at++) {
    const pair = pairOf(key, at);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return { key, pairs, count: Math.max(0, key.length - 1) };
}

const linesOf = (text: string): string[] => text.replace(/\n$/, '').split(/\r?\n/);
const keyOf = (line: string): string => line.slice(0, LINE).trim().replace(/\s+/g, ' ');

/** Of the letter at a place and the one before it: a number, for this is asked of every letter of a file. */
const pairOf = (key: string, at: number): number => key.charCodeAt(at - 1) * 0x10000 + key.charCodeAt(at);

function trimBlank(lines: string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== '');
  const last = lines.findLastIndex((line) => line.trim() !== '');
  return first === -1 ? [] : lines.slice(first, last + 1);
}

/** From 0 to 1, by the pairs of letters that both have. A line that has all of the other and more is nearly it: texts begin and end inside lines. */
function likeness(wanted: Line, line: string): number {
  const key = keyOf(line);
  if (key === wanted.key) return 1;
  if (key.length < 2 || wanted.count === 0) return 0;
  const left = new Map(wanted.pairs);
  let shared = 0;
  for (let at = 1; at < key.length; at++) {
    const pair = pairOf(key, at);
    const count = left.get(pair) ?? 0;
    if (count === 0) continue;
    left.set(pair, count - 1);
    shared += 1;
  }
  const both = (2 * shared) / (wanted.count + key.length - 1);
  return Math.max(both, (0.8 * shared) / wanted.count);
}

function likenessAt(needle: readonly Line[], lines: readonly string[], at: number): number {
  const sum = needle.reduce((total, wanted, index) => {
    const line = lines[at + index];
    return total + (line === undefined ? 0 : likeness(wanted, line));
  }, 0);
  return sum / needle.length;
}
