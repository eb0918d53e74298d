import { runsBetween, splitLines } from './hunks.ts';

/** What both sides are called at conflict markers. */
export interface MergeLabels {
  ours: string;
  theirs: string;
}

export interface Merged {
  /** With Git's conflict markers around what both sides changed in different ways; no line of either side is missing. */
  text: string;
  conflicts: number;
}

/** What a side has instead of the base's lines `from` to `to`, counted from 0, the last one not among them. */
interface Change {
  from: number;
  to: number;
  lines: string[];
}

/** Lines of the base that are changed, with the changes of either side there. */
interface Region {
  from: number;
  to: number;
  ours: Change[];
  theirs: Change[];
}

/**
 * Merges by lines what two sides made of `base`, as Git does. Lines keep their terminators, so mixed ends of line, byte order marks and a
 * missing last newline come through; markers end as the first line of `ours` does. Takes as long as comparing each side with the base.
 */
export function mergeText(base: string, ours: string, theirs: string, labels: MergeLabels): Merged {
  if (ours === theirs || theirs === base) return { text: ours, conflicts: 0 };
  if (ours === base) return { text: theirs, conflicts: 0 };
  const [a, o, b] = [splitLines(ours), splitLines(base), splitLines(theirs)];
  const newline = (a[0] ?? b[0] ?? '').endsWith('\r\n') ? '\r\n' : '\n';
  /** A marker begins a line of its own, also behind a last line that does not end. */
  const ended = (lines: string[]): string => {
    const text = lines.join('');
    return text === '' || text.endsWith('\n') ? text : text + newline;
  };
  const parts: string[] = [];
  const put = (lines: string[]) => parts.push(lines.join(''));
  let conflicts = 0;
  let line = 0;
  for (const region of regionsOf(changesOf(o, a), changesOf(o, b))) {
    put(o.slice(line, region.from));
    line = region.to;
    const mine = sideOf(o, region, region.ours);
    const other = sideOf(o, region, region.theirs);
    if (region.theirs.length === 0) put(mine);
    else if (region.ours.length === 0) put(other);
    else {
      const { head, left, right, tail } = apart(mine, other);
      put(head);
      if (left.length + right.length > 0) {
        conflicts += 1;
        parts.push(`<<<<<<< ${labels.ours}${newline}`, ended(left));
        parts.push(`=======${newline}`, ended(right), `>>>>>>> ${labels.theirs}${newline}`);
      }
      put(tail);
    }
  }
  put(o.slice(line));
  return { text: parts.join(''), conflicts };
}

/** Whether a text has markers with these labels: merging it again would put markers around them. */
export function isUnresolved(text: string, { ours, theirs }: MergeLabels): boolean {
  const lines = text.split(/\r\n?|\n/);
  return lines.includes(`<<<<<<< ${ours}`) || lines.includes(`>>>>>>> ${theirs}`);
}

function changesOf(base: string[], side: string[]): Change[] {
  let to = 0;
  return runsBetween(base, side).flatMap((run): Change[] => {
    const from = to;
    to += (run.kind === 'same' ? run.lines : run.before).length;
    return run.kind === 'same' ? [] : [{ from, to, lines: run.after }];
  });
}

/** Where the two sides' changes overlap or touch, they are one region: neither can be taken without the other being read. */
function regionsOf(ours: Change[], theirs: Change[]): Region[] {
  const all = [
    ...ours.map((change) => ({ side: 'ours' as const, change })),
    ...theirs.map((change) => ({ side: 'theirs' as const, change })),
  ].sort((one, other) => one.change.from - other.change.from);
  const regions: Region[] = [];
  for (const { side, change } of all) {
    const { from, to } = change;
    let region = regions.at(-1);
    if (region === undefined || from > region.to) {
      region = { from, to, ours: [], theirs: [] };
      regions.push(region);
    }
    region.to = Math.max(region.to, to);
    region[side].push(change);
  }
  return regions;
}

/** What a side has of a region, with the base's lines where only the other changed them. */
function sideOf(base: string[], { from, to }: Region, changes: Change[]): string[] {
  let line = from;
  const lines = changes.flatMap((change) => {
    const before = base.slice(line, change.from);
    line = change.to;
    return [...before, ...change.lines];
  });
  return lines.concat(base.slice(line, to));
}

/** What two lists of lines both begin and end with, and what differs between. */
function apart(mine: string[], other: string[]) {
  const shorter = Math.min(mine.length, other.length);
  let head = 0;
  while (head < shorter && mine[head] === other[head]) head++;
  let tail = 0;
  while (tail < shorter - head && mine.at(-1 - tail) === other.at(-1 - tail)) tail++;
  return {
    head: mine.slice(0, head),
    left: mine.slice(head, mine.length - tail),
    right: other.slice(head, other.length - tail),
    tail: mine.slice(mine.length - tail),
  };
}
