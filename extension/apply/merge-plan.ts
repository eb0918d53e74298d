import { segments } from '../../server/protocol/hunks.ts';
import { isUnresolved, type MergeLabels, mergeText } from '../../server/protocol/merge.ts';

/** What is at a path on one side: of a link, `bytes` are where it leads. */
export interface Content {
  kind: 'file' | 'link';
  /** Absent for an open document, whose text counts and not what is on disk. */
  bytes?: Uint8Array;
  /** As a document shows it, without a byte order mark; absent for what is no text. */
  text?: string;
}

/** One path, three times; null where there is nothing. */
export interface Sides {
  /** What the task started from. */
  base: Content | null;
  accepted: Content | null;
  mine: Content | null;
}

export type EndOfLine = '\n' | '\r\n';

/** A part of a text to be replaced: offsets in UTF-16 units, as documents count. */
export interface TextChange {
  start: number;
  end: number;
  text: string;
}

/** What becomes of a path. */
export type Step =
  | { kind: 'none' }
  /** The document's text; `eol` where its line ends change, too. */
  | { kind: 'edit'; changes: TextChange[]; conflicts: number; eol?: EndOfLine }
  /** `contents` instead of the accepted bytes where the person's own lines come along. */
  | { kind: 'create'; contents?: Uint8Array; conflicts?: number }
  /** With the accepted bytes; on disk, for a document cannot hold them exactly. */
  | { kind: 'replace' }
  | { kind: 'delete' }
  /** Both sides changed what cannot be merged, also for conflicts of an earlier time are not resolved: `take` is what the proposal would do. */
  | { kind: 'clash'; take: 'create' | 'replace' | 'delete' };

/**
 * What has to be done so that the accepted change is in the person's file as well. Whatever they wrote themselves stays: beside the
 * change where it can, between conflict markers with it where it cannot, and asked for where there can be no markers, or are some already.
 */
export function planFile(sides: Sides, labels: MergeLabels): Step {
  const { base, accepted, mine } = sides;
  if (isSame(mine, accepted)) return { kind: 'none' };
  const isUntouched = isSame(mine, base) || isSameText(mine, base);
  const texts = textsOf(sides);
  // A document would give all lines the same end; where none is open, there is no need for one.
  const isExact = isUntouched && mine?.bytes !== undefined && isMixed(accepted);
  const isMarked = texts !== undefined && !isUntouched && isUnresolved(texts.mine, labels);
  if (texts && !isExact && !isMarked) return planText(texts, labels);
  const take = accepted === null ? 'delete' : mine === null ? 'create' : 'replace';
  return isUntouched ? { kind: take } : { kind: 'clash', take };
}

/** The same for texts. Line ends are the document's own, unless the proposal changes those of a whole file. */
export function planText(
  { base, accepted, mine }: { base: string; accepted: string; mine: string },
  labels: MergeLabels,
): Extract<Step, { kind: 'none' | 'edit' }> {
  const merged = mergeText(withLf(base), withLf(mine), withLf(accepted), labels);
  const [was, becomes, is] = [endOfLine(base), endOfLine(accepted), endOfLine(mine)];
  const eol = is === was && becomes !== was && isPlain(becomes) && isPlain(is) ? becomes : undefined;
  const changes = changesOf(mine, is === '\r\n' ? merged.text.replaceAll('\n', '\r\n') : merged.text);
  if (changes.length === 0 && eol === undefined) return { kind: 'none' };
  return {
    kind: 'edit',
    changes,
    conflicts: merged.conflicts,
    ...(eol === undefined ? {} : { eol }),
  };
}

/** The text with these changes, which are in order and do not overlap. */
export const applied = (text: string, changes: readonly TextChange[]): string =>
  changes
    .toReversed()
    .reduce((now, { start, end, text }) => now.slice(0, start) + text + now.slice(end), text);

/** The mode that a file gets, if it is another than it has: the proposal's where only that changed it. */
export function planMode(modes: { base: string | null; accepted: string | null; mine: string | null }) {
  const { base, accepted, mine } = modes;
  if (accepted === null || accepted === mine || (base !== null && base === accepted)) return undefined;
  return base === null || mine === null || mine === base ? accepted : undefined;
}

/** As few changes as make one text of the other, so that cursors, folds and marks elsewhere stay where they are. */
export function changesOf(from: string, to: string): TextChange[] {
  const changes: TextChange[] = [];
  let at = 0;
  for (const run of segments(from, to, () => '')) {
    const start = at;
    at += (run.kind === 'same' ? run.lines : run.before).reduce((sum, line) => sum + line.length, 0);
    if (run.kind === 'changed') changes.push({ start, end: at, text: run.after.join('') });
  }
  return changes;
}

/** What there is to merge by lines; nothing where a side is missing or no text. */
function textsOf({ base, accepted, mine }: Sides) {
  if (accepted?.text === undefined || mine?.text === undefined) return undefined;
  if (base !== null && base.text === undefined) return undefined;
  return { base: base?.text ?? '', accepted: accepted.text, mine: mine.text };
}

function isSame(one: Content | null, other: Content | null): boolean {
  if (one === null || other === null) return one === other;
  return one.kind === other.kind && !!one.bytes && !!other.bytes && isEqual(one.bytes, other.bytes);
}

/** Git may keep a file with other line ends than it has on disk. */
function isSameText(one: Content | null, other: Content | null): boolean {
  if (one?.text === undefined || other?.text === undefined) return false;
  return withLf(one.text) === withLf(other.text);
}

const isMixed = (content: Content | null): boolean =>
  content?.text !== undefined && endOfLine(content.text) === 'mixed';

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** What ends the lines of a text; nothing where it has only one. */
function endOfLine(text: string): EndOfLine | 'mixed' | undefined {
  const all = text.match(/\r\n?|\n/g) ?? [];
  const [first] = all;
  if (first === undefined) return undefined;
  return first !== '\r' && all.every((end) => end === first) ? (first as EndOfLine) : 'mixed';
}

const isPlain = (eol: EndOfLine | 'mixed' | undefined): eol is EndOfLine => eol === '\n' || eol === '\r\n';
const withLf = (text: string): string => text.replace(/\r\n?/g, '\n');
