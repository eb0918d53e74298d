import { isUnresolved, type MergeLabels, mergeText } from '../protocol/merge.ts';

/** A file, or a link and where it leads, as Git stores it. */
export interface Stored {
  /** `100644`, `100755` or `120000`. */
  mode: string;
  bytes: Buffer;
}

/** One path, three times; null where there is nothing. */
export interface Sides {
  /** What the task started from. */
  base: Stored | null;
  theirs: Stored | null;
  /** The person's own. */
  ours: Stored | null;
}

export type Step =
  /** What the task did is there already. */
  | { kind: 'same' }
  /** `conflicts` counts the pairs of markers in it. */
  | { kind: 'write'; stored: Stored; conflicts: number }
  | { kind: 'delete' }
  /** Both sides changed what has no lines; the person's stays. */
  | { kind: 'clash'; why: string };

const LINK = '120000';

/** What becomes of a path, so that nothing that the person did there is lost. Pure. */
export function planFile({ base, theirs, ours }: Sides, labels: MergeLabels): Step {
  if (isSame(ours, theirs)) return { kind: 'same' };
  if (isSame(ours, base))
    return theirs === null ? { kind: 'delete' } : { kind: 'write', stored: theirs, conflicts: 0 };
  if (ours === null) return { kind: 'clash', why: 'you deleted it, the task changed it' };
  if (theirs === null) return { kind: 'clash', why: 'you changed it, the task deleted it' };
  const mode = ours.mode === base?.mode ? theirs.mode : ours.mode;
  if (isSameBytes(ours, theirs) || isSameBytes(theirs, base))
    return written({ mode, bytes: ours.bytes }, ours);
  if (isSameBytes(ours, base)) return written({ mode, bytes: theirs.bytes }, ours);
  if (![base, theirs, ours].every(isText))
    return { kind: 'clash', why: 'both of you changed it, and it is no text' };
  if (isUnresolved(ours.bytes.toString('latin1'), labels))
    return { kind: 'clash', why: 'it has conflicts that are not resolved' };
  // One character a byte: lines are told by their ends alone, so the encoding does not matter.
  const [from, mine, other] = [base, ours, theirs].map((side) => side?.bytes.toString('latin1') ?? '');
  const { text, conflicts } = mergeText(from ?? '', mine ?? '', other ?? '', labels);
  return written({ mode, bytes: Buffer.from(text, 'latin1') }, ours, conflicts);
}

const written = (stored: Stored, ours: Stored, conflicts = 0): Step =>
  isSame(stored, ours) ? { kind: 'same' } : { kind: 'write', stored, conflicts };

const isText = (side: Stored | null): boolean =>
  side === null || (side.mode !== LINK && !side.bytes.includes(0));

const isLink = (side: Stored): boolean => side.mode === LINK;

/** Of files, or of links; where a file is a link on one side, nothing is the same. */
function isSameBytes(one: Stored, other: Stored | null): boolean {
  return other !== null && isLink(one) === isLink(other) && one.bytes.equals(other.bytes);
}

function isSame(one: Stored | null, other: Stored | null): boolean {
  if (one === null || other === null) return one === other;
  return one.mode === other.mode && one.bytes.equals(other.bytes);
}
