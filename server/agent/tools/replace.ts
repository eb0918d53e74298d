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

/** Why a replacement cannot be made, worked out only where it is told. @param room UTF-16 units of the file that it may be compared with */
type Complaint = (room: number) => string;

interface Source {
  path: string;
  text: string;
  /** The text with `\n` for each `\r\n`. */
  plain: string;
}

/**
 * Carries out all of them or none. Each is looked for in the text as it is, so their order does not matter, and two must not touch the
 * same characters. @returns the text, and how many places changed
 * @throws {ToolProblem} `NoMatch`, `MultipleMatches`, `NoChange`, `Overlap` or `TooMuch`, with what to do, for each that cannot be made
 */
export function replaceIn(
  path: string,
  text: string,
  replacements: readonly Replacement[],
): { text: string; count: number } {
  const source = { path, text, plain: text.replaceAll('\r\n', '\n') };
  const complaints: Complaint[] = [];
  const spans: Span[] = [];
  for (const [of, replacement] of replacements.entries()) {
    const found = spansOf(source, replacement, of);
    if (typeof found === 'function') complaints.push((room) => named(of, replacements, found(room)));
    else for (const span of found) spans.push(span);
    if (spans.length > LIMITS.editPlaces)
      throw tooMuch(`change ${path} at more than ${LIMITS.editPlaces} places`);
  }
  spans.sort((a, b) => a.start - b.start);
  const overlap = spans.find((span, at) => at > 0 && span.start < (spans[at - 1]?.end ?? 0));
  if (complaints.length === 0 && overlap) complaints.push(() => overlapping(path, text, overlap));
  if (complaints.length > 0) throw new ToolProblem(complaint(complaints, replacements.length));
  const length = spans.reduce(
    (sum, { start, end, newText }) => sum + newText.length - (end - start),
    text.length,
  );
  if (length > LIMITS.fileBytes)
    throw tooMuch(`make ${path} ${length} characters long; at most ${LIMITS.fileBytes} fit`);

  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, newText } of spans) {
    pieces.push(text.slice(at, start), newText);
    at = end;
  }
  pieces.push(text.slice(at));
  return { text: pieces.join(''), count: spans.length };
}

const tooMuch = (what: string): ToolProblem =>
  new ToolProblem(`TooMuch: this would ${what}. Do it with bash (sed), or in smaller parts.`);

const named = (index: number, all: readonly unknown[], problem: string): string =>
  all.length === 1 ? problem : `Edit ${index + 1} of ${all.length}: ${problem}`;

function complaint(complaints: readonly Complaint[], edits: number): string {
  const told = complaints.slice(0, LIMITS.editProblems);
  const room = Math.floor(LIMITS.editCompared / told.length);
  const rest = complaints.length - told.length;
  const more = rest === 0 ? [] : [`[${rest} more edits have problems]`];
  const ending = edits === 1 ? [] : ['None of the edits was made.'];
  return [...told.map((tell) => tell(room)), ...more, ...ending].join('\n');
}

function overlapping(path: string, text: string, { of, start }: Span): string {
  return `Overlap: edit ${of + 1} changes some of the same text as another, at line ${lineAt(text, start)} of ${path}. Make one edit of the two.`;
}

/** Where a replacement applies, or why it does not. */
function spansOf(source: Source, replacement: Replacement, of: number): Span[] | Complaint {
  const { path, text, plain } = source;
  const { oldText, newText, replaceAll = false } = replacement;
  if (oldText === newText) {
    return () => `NoChange: oldText and newText are the same, so nothing would change in ${path}.`;
  }
  const isLiteral = plain.length === text.length || isSpelledOut(text, oldText);
  const [within, wanted] = isLiteral ? [text, oldText] : [plain, oldText.replaceAll('\r\n', '\n')];
  const places = placesOf(within, wanted, replaceAll);
  if (places.length === 0) return (room) => noMatch(path, text, oldText, room);
  if (places.length > 1 && !replaceAll) return () => multiple(path, within, places);
  const spans = isLiteral
    ? places.map((start) => ({ start, end: start + wanted.length, newText, of }))
    : acrossLineEndings(text, places, wanted.length, newText, of);
  return spans.every(({ start, end, newText: put }) => text.slice(start, end) === put)
    ? () => `NoChange: newText is what is in ${path} already, but for line endings, which are kept.`
    : spans;
}

/** Whether it says itself how its lines end, and is there so. One that begins with `\n` would part that from its `\r`. */
const isSpelledOut = (text: string, oldText: string): boolean =>
  oldText.includes('\r') && !oldText.startsWith('\n') && text.includes(oldText);

function multiple(path: string, text: string, places: readonly number[]): string {
  const lines = places.slice(0, LIMITS.editLinesNamed).map((place) => lineAt(text, place));
  const more = places.length > lines.length ? ` and ${places.length - lines.length} more` : '';
  const times = places.length > LIMITS.editPlaces ? `more than ${LIMITS.editPlaces}` : places.length;
  return `MultipleMatches: oldText occurs ${times} times in ${path}, at lines ${lines.join(', ')}${more}. Add surrounding lines to make it unique, or set replaceAll to true.`;
}

/**
 * Models write \n; in a file whose lines end with \r\n their text is meant with that ending.
 * @param places in the text with `\n` for each `\r\n`, ascending @param length of what is replaced there
 */
function acrossLineEndings(
  text: string,
  places: readonly number[],
  length: number,
  newText: string,
  of: number,
): Span[] {
  const original = placeIn(text);
  const ending = endingIn(text);
  const put = { '\n': newText.replaceAll('\r\n', '\n'), '\r\n': newText.replace(/\r?\n/g, '\r\n') };
  return places.map((place) => {
    const start = original(place);
    return { start, end: original(place + length), newText: put[ending(start)], of };
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

/** How the line ends that a place is in, the last of a file as the one before it; to be asked in ascending order. */
function endingIn(text: string): (place: number) => '\n' | '\r\n' {
  const last = text.lastIndexOf('\n');
  let next = text.indexOf('\n');
  return (place) => {
    if (next !== -1 && next < place) next = text.indexOf('\n', place);
    return text[(next === -1 ? last : next) - 1] === '\r' ? '\r\n' : '\n';
  };
}

/**
 * Where `wanted` is, as far as that is told: those that can all be replaced; of one that is to be unique the second may overlap the first.
 */
function placesOf(text: string, wanted: string, isForAll: boolean): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(wanted); at !== -1 && places.length <= LIMITS.editPlaces; ) {
    places.push(at);
    at = text.indexOf(wanted, at + (isForAll || places.length > 1 ? wanted.length : 1));
  }
  return places;
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', end + 1)) line += 1;
  return line;
}

function noMatch(path: string, text: string, oldText: string, room: number): string {
  const bare = oldText.replace(/^\d+: /gm, '');
  if (bare !== oldText && text.includes(bare)) {
    return `NoMatch: oldText was not found in ${path}: it has the line numbers that read shows. Leave them out.`;
  }
  const places = nearestPlaces(text, oldText, LIMITS.editNearest, room);
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
