import { diff3Merge } from 'node-diff3';
import { splitLines } from './hunks.ts';

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

/**
 * Merges by lines what two sides made of `base`. Lines keep their terminators, so mixed ends of line, byte order marks and a missing last newline come
 * through; markers end as the first line of `ours` does.
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
  let conflicts = 0;
  const parts = diff3Merge(a, o, b, { excludeFalseConflicts: true }).map(({ ok, conflict }) => {
    if (ok) return ok.join('');
    if (!conflict) return '';
    conflicts += 1;
    return [
      `<<<<<<< ${labels.ours}${newline}`,
      ended(conflict.a),
      `=======${newline}`,
      ended(conflict.b),
      `>>>>>>> ${labels.theirs}${newline}`,
    ].join('');
  });
  return { text: parts.join(''), conflicts };
}
