import { LIMITS } from './limits.ts';
import { nearestPlaces } from './nearest.ts';
import { ToolProblem } from './tool.ts';

/** One change of a text: what is there, and what takes its place. Both literal. */
export interface Replacement {
  oldText: string;
  newText: string;
  replaceAll?: boolean | undefined;
}

interface Span {
  start: number;
  end: number;
  newText: string;
  /** Which replacement it is of. */
  of: number;
}

/**
 * Carries out all of them or none. Each is looked for in the text as it is, so their order does not matter, and two must not touch the
 * same characters. @returns the text, and how many places changed
 * @throws {ToolProblem} `NoMatch`, `MultipleMatches`, `NoChange` or `Overlap`, with what to do, for each that cannot be made
 */
export function replaceIn(
  path: string,
  text: string,
  replacements: readonly Replacement[],
): { text: string; count: number } {
  const problems: string[] = [];
  const spans: Span[] = [];
  for (const [of, replacement] of replacements.entries()) {
    const found = spansOf(path, text, replacement);
    if (typeof found === 'string') problems.push(named(of, replacements, found));
    else for (const span of found) spans.push({ ...span, of });
  }
  spans.sort((a, b) => a.start - b.start);
  const overlap = spans.find((span, at) => at > 0 && span.start < (spans[at - 1]?.end ?? 0));
  if (problems.length === 0 && overlap) problems.push(overlapping(path, text, overlap));
  if (problems.length > 0) throw new ToolProblem(complaint(problems, replacements.length));

  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, newText } of spans) {
    pieces.push(text.slice(at, start), newText);
    at = end;
  }
  pieces.push(text.slice(at));
  return { text: pieces.join(''), count: spans.length };
}

const named = (index: number, all: readonly unknown[], problem: string): string =>
  all.length === 1 ? problem : `Edit ${index + 1} of ${all.length}: ${problem}`;

function complaint(problems: string[], edits: number): string {
  const shown = problems.slice(0, LIMITS.editProblems);
  const rest = problems.length - shown.length;
  const more = rest === 0 ? [] : [`[${rest} more edits have problems]`];
  const ending = edits === 1 ? [] : ['None of the edits was made.'];
  return [...shown, ...more, ...ending].join('\n');
}

function overlapping(path: string, text: string, { of, start }: Span): string {
  return `Overlap: edit ${of + 1} changes some of the same text as another, at line ${lineAt(text, start)} of ${path}. Make one edit of the two.`;
}

/** Where a replacement applies, or why it does not. */
function spansOf(path: string, text: string, replacement: Replacement): Omit<Span, 'of'>[] | string {
  const { oldText, newText, replaceAll = false } = replacement;
  if (oldText === newText) {
    return `NoChange: oldText and newText are the same, so nothing would change in ${path}.`;
  }
  const starts = placesOf(text, oldText, replaceAll);
  const spans = starts.length > 0 ? literal(text, starts, replacement) : acrossLineEndings(text, replacement);
  if (spans.length === 0) return noMatch(path, text, oldText);
  if (spans.length > 1 && !replaceAll) {
    const lines = spans.slice(0, LIMITS.editLinesNamed).map(({ start }) => lineAt(text, start));
    const more = spans.length > lines.length ? ` and ${spans.length - lines.length} more` : '';
    return `MultipleMatches: oldText occurs ${spans.length} times in ${path}, at lines ${lines.join(', ')}${more}. Add surrounding lines to make it unique, or set replaceAll to true.`;
  }
  return spans.every(({ start, end, newText: put }) => text.slice(start, end) === put)
    ? `NoChange: newText is what is in ${path} already, but for line endings, which are kept.`
    : spans;
}

function literal(text: string, starts: number[], { oldText, newText }: Replacement): Omit<Span, 'of'>[] {
  const isSpelledOut = oldText.includes('\r') || newText.includes('\r');
  return starts.map((start) => ({
    start,
    end: start + oldText.length,
    newText: isSpelledOut ? newText : newText.replaceAll('\n', endingAt(text, start)),
  }));
}

/** Models write \n; in a file whose lines end with \r\n their text is meant with that ending. */
function acrossLineEndings(text: string, replacement: Replacement): Omit<Span, 'of'>[] {
  if (!text.includes('\r\n')) return [];
  const oldText = replacement.oldText.replaceAll('\r\n', '\n');
  const newText = replacement.newText.replaceAll('\r\n', '\n');
  const plain = text.replaceAll('\r\n', '\n');
  const original = placeIn(text);
  return placesOf(plain, oldText, replacement.replaceAll ?? false).map((at) => {
    const start = original(at);
    return {
      start,
      end: original(at + oldText.length),
      newText: newText.replaceAll('\n', endingAt(text, start)),
    };
  });
}

/** Where a place of the text without `\r` before `\n` is in the text; to be asked in ascending order. */
function placeIn(text: string): (place: number) => number {
  let [returns, next] = [0, text.indexOf('\r\n')];
  return (place) => {
    while (next !== -1 && next - returns < place) {
      returns += 1;
      next = text.indexOf('\r\n', next + 2);
    }
    return place + returns;
  };
}

/** How the line ends that a place is in; the last of a file is as the one before it. */
function endingAt(text: string, at: number): '\n' | '\r\n' {
  const after = text.indexOf('\n', at);
  const end = after === -1 ? text.lastIndexOf('\n', at) : after;
  return end > 0 && text[end - 1] === '\r' ? '\r\n' : '\n';
}

/** Where `wanted` is: every place, also those that overlap, for one that is to be unique; else those that can all be replaced. */
function placesOf(text: string, wanted: string, isForAll: boolean): number[] {
  const step = isForAll ? wanted.length : 1;
  const places: number[] = [];
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + step)) places.push(at);
  return places;
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', end + 1)) line += 1;
  return line;
}

function noMatch(path: string, text: string, oldText: string): string {
  const bare = oldText.replace(/^\d+: /gm, '');
  if (bare !== oldText && text.includes(bare)) {
    return `NoMatch: oldText was not found in ${path}: it has the line numbers that read shows. Leave them out.`;
  }
  const places = nearestPlaces(text, oldText, LIMITS.editNearest);
  if (places.length === 0) {
    return `NoMatch: oldText was not found in ${path}, nor anything like it. Read the file again and copy the text exactly, white space included.`;
  }
  const shown = places.map(({ line, lines, isSpacing }) => {
    const numbered = lines
      .slice(0, LIMITS.editNearestLines)
      .map((one, index) => `${line + index}: ${cut(one)}`);
    const more = lines.length - numbered.length;
    return [
      `${isSpacing ? 'The same but for white space' : 'Nearest'}, line ${line}:`,
      ...numbered,
      ...(more > 0 ? [`[${more} more lines]`] : []),
    ].join('\n');
  });
  return `NoMatch: oldText was not found in ${path}. Copy the text exactly, white space included.\n${shown.join('\n')}`;
}

const cut = (line: string): string =>
  line.length <= LIMITS.editNearestLine
    ? line
    : `${line.slice(0, LIMITS.editNearestLine).toWellFormed()} […]`;
