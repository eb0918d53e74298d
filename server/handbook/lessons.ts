/** What the agents of a repository have learned: a file of one bullet a lesson, which agents read and add to. Pure. */
export const LESSONS_FILE = 'lessons-learned.md';

/** What happens, why, and what to do about it. */
export interface Lesson {
  what: string;
  why: string;
  do: string;
}

/** `known`: a bullet says all of it already. `alike`: one says something very near, which only its reader can bring together with it. */
export type WithLesson =
  | { kind: 'added' | 'strengthened'; text: string; bullet: string; before?: string }
  | { kind: 'known' | 'alike'; before: string };

const HEAD = ['# Lessons learned', 'One bullet a lesson: what happens, why, what to do. Newest last.', ''];

/** Share of the words of a lesson that are in another for the one to say nothing beyond the other; and of both to be about the same. */
const CONTAINED = 0.9;
const ALIKE = 0.7;
/** Words that a lesson has at least: with fewer, others are about the same only where they have the same ones. */
const FEWEST = 4;

/** Words that say nothing of what a lesson is about. */
const EMPTY = new Set(
  'a an and are as at be but by do for from if in into is it its no not of on or so that the then there this to use was when with you'.split(
    ' ',
  ),
);

interface Bullet {
  /** Its first line and the one behind its last, counted from 0. */
  start: number;
  end: number;
  mark: string;
  text: string;
}

/**
 * The file with the lesson in it, once: a new one behind the last bullet, in the file's own style; one that says more than a bullet that is
 * there, in its place.
 * @param file undefined where there is none yet
 */
export function withLesson(file: string | undefined, lesson: Lesson): WithLesson {
  const sentence = sentenceOf(lesson);
  if (file === undefined || file.trim() === '') {
    const bullet = `- ${sentence}`;
    return { kind: 'added', text: [...HEAD, bullet, ''].join('\n'), bullet };
  }
  const lines = linesOf(file);
  const bullets = bulletsOf(lines.map(({ text }) => text));
  const words = wordsOf(sentence);
  const near = nearest(bullets, words);
  if (near !== undefined) {
    const { bullet, shareOfNew, shareOfOld, both } = near;
    if (shareOfNew >= CONTAINED) return { kind: 'known', before: bullet.text };
    if (shareOfOld >= CONTAINED) {
      const line = `${bullet.mark} ${sentence}`;
      const last = lines[bullet.end - 1];
      const end = (last?.start ?? 0) + (last?.text.length ?? 0);
      const text = spliced(file, lines[bullet.start]?.start ?? 0, end, line);
      return { kind: 'strengthened', text, bullet: line, before: bullet.text };
    }
    if (both >= ALIKE) return { kind: 'alike', before: bullet.text };
  }
  return { kind: 'added', ...appended(file, lines, bullets.at(-1), sentence) };
}

/** Behind the last bullet, or at the end; its line ends as the one before it does. */
function appended(file: string, lines: readonly Line[], last: Bullet | undefined, sentence: string) {
  const bullet = `${last?.mark ?? '-'} ${sentence}`;
  const isEnded = lines.at(-1)?.text === '';
  const before = last?.end ?? (isEnded ? lines.length - 1 : lines.length);
  const line = lines[before - 1];
  const isLast = line === undefined || line.ending === '';
  const ending = lines.slice(0, before).findLast((one) => one.ending !== '')?.ending ?? '\n';
  const gap = last !== undefined || line?.text.trim() === '' ? '' : ending;
  const at = isLast ? file.length : line.start + line.text.length + line.ending.length;
  const put = isLast ? `${ending}${gap}${bullet}` : `${gap}${bullet}${ending}`;
  return { bullet, text: spliced(file, at, at, put) };
}

const spliced = (text: string, start: number, end: number, put: string): string =>
  text.slice(0, start) + put + text.slice(end);

interface Line {
  /** Where it begins in the file. */
  start: number;
  text: string;
  ending: string;
}

/** What stands behind the last end of line is a line, too. */
function linesOf(file: string): Line[] {
  const lines: Line[] = [];
  const pieces = file.split(/(\r?\n)/);
  let start = 0;
  for (let at = 0; at < pieces.length; at += 2) {
    const [text = '', ending = ''] = pieces.slice(at, at + 2);
    lines.push({ start, text, ending });
    start += text.length + ending.length;
  }
  return lines;
}

/** Top-level bullets outside of code; what is indented below one belongs to it. */
function bulletsOf(lines: readonly string[]): Bullet[] {
  const bullets: Bullet[] = [];
  let fence: string | undefined;
  let open: Bullet | undefined;
  for (const [index, line] of lines.entries()) {
    const [, mark] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence))) {
      fence = fence === undefined ? mark : undefined;
      open = undefined;
      continue;
    }
    if (fence !== undefined) continue;
    const [, sign, rest] = /^([-*+])\s+(\S.*)$/.exec(line) ?? [];
    if (sign !== undefined && rest !== undefined && !/^([-*_])( *\1){2,} *$/.test(line)) {
      open = { start: index, end: index + 1, mark: sign, text: rest.trim() };
      bullets.push(open);
    } else if (open !== undefined && /^\s+\S/.test(line)) {
      open.text += ` ${line.trim()}`;
      open.end = index + 1;
    } else open = undefined;
  }
  return bullets;
}

function nearest(bullets: readonly Bullet[], words: ReadonlySet<string>) {
  let best: { bullet: Bullet; shareOfNew: number; shareOfOld: number; both: number } | undefined;
  for (const bullet of bullets) {
    const others = wordsOf(bullet.text);
    let common = 0;
    for (const word of words) if (others.has(word)) common += 1;
    const isShort = Math.min(words.size, others.size) < FEWEST;
    if (isShort && common < Math.max(words.size, others.size)) continue;
    const both = (2 * common) / Math.max(1, words.size + others.size);
    const shareOfNew = common / Math.max(1, words.size);
    const shareOfOld = common / Math.max(1, others.size);
    if (
      best === undefined ||
      Math.max(shareOfNew, shareOfOld, both) > Math.max(best.shareOfNew, best.shareOfOld, best.both)
    )
      best = { bullet, shareOfNew, shareOfOld, both };
  }
  return best;
}

/** What a text is about: its words without case, marks and those that say nothing. */
function wordsOf(text: string): Set<string> {
  const found =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu) ?? [];
  const telling = found.filter((word) => !EMPTY.has(word));
  return new Set(telling.length === 0 ? found : telling);
}

function sentenceOf({ what, why, do: then }: Lesson): string {
  const [first, second, third] = [what, why, then].map((part) =>
    part
      .replaceAll(/\s+/g, ' ')
      .trim()
      .replace(/[.;:,]+$/, ''),
  );
  return `${first}: ${second}. ${third}.`;
}

/**
 * Of a file, what every call may carry: all of it, or its newest lines and that there are more.
 * @param text all of it, or its end, which may begin within a line
 * @param size bytes of the whole file
 */
export function endOfLessons(
  { text, isWhole, size }: { text: string; isWhole: boolean; size: number },
  most: number,
): string {
  if (isWhole && text.length <= most) return text;
  const tail = text.slice(-most).toWellFormed();
  return `[Older lessons are left out: ${LESSONS_FILE} has ${size} bytes. Read the rest where you need it.]\n${tail.slice(tail.indexOf('\n') + 1)}`;
}
