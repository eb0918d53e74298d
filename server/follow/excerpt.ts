/** What of a log an agent has to read: where it went wrong, and how it ended. */

/** UTF-16 units of a line, and lines around one that tells of an error, and at the end. */
const LINE_LENGTH = 400;
const BEFORE = 3;
const BEHIND = 8;
const ENDING = 40;

const TIMESTAMP = /^\uFEFF?\d{4}-\d\d-\d\dT[\d:.]+Z ?/;
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** From here on a runner of GitHub only cleans up. */
const CLEAN_UP = /^Post job cleanup\.|^##\[group\]Post /;
const TELLS =
  /##\[error\]|\b(?:error|errors|fail|failed|failing|failure|failures|fatal|panic|panicked|exception|traceback|assertion\w*|unhandled)\b|\bnot ok\b|[✗✘✖×]|Error\b/i;
/** What sounds like one and says the contrary. */
const HARMLESS =
  /\b(?:0|no|without) (?:errors?|fail(?:ed|ures?|ing)?)\b|\b(?:errors?|fail(?:ed|ures?)?):? 0\b/i;

/**
 * Ways in which credentials are commonly written; what stands before them is kept. GitHub strikes out the secrets that it knows, these are
 * the others. No repetition is without an end: logs are as long as somebody likes.
 */
const CREDENTIALS = [
  /()\bgh[pousr]_[A-Za-z0-9]{16,255}/g,
  /()\bgithub_pat_\w{20,255}/g,
  /()\bglpat-[\w-]{16,255}/g,
  /()\bsk-[\w-]{16,255}/g,
  /()\bxox[abeprs]-[\w-]{10,255}/g,
  /()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /()\bAIza[\w-]{35}/g,
  /()\bnpm_[A-Za-z0-9]{30,255}/g,
  // No beginning within the beginning: nothing is then read more than once, however many there are.
  /()\beyJ(?:(?!\beyJ)[\w-]){10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{0,4000}/g,
  /()-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^/\s:@]{0,200}:)[^/\s:@]{1,400}(?=@)/gi,
  /(\b(?:bearer|basic)[ \t]{1,10})[\w.~+/=-]{8,4000}/gi,
  /(\b[\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key)["']?[ \t]{0,10}[:=][ \t]{0,10}["']?)[^\s"'*]{8,4000}/gi,
];

/** Strikes out what looks like a credential. */
export function withoutCredentials(text: string): string {
  return CREDENTIALS.reduce((rest, pattern) => rest.replace(pattern, '$1[struck out]'), text);
}

/**
 * The part of a log that matters, as plain text of at most `most` UTF-16 units: the lines around errors, earliest first, and the end. What is
 * left out between them is counted.
 * @param hide strikes out what else must not be shown
 */
export function excerptOf(
  log: string,
  most: number,
  hide: (text: string) => string = (text) => text,
): string {
  const lines = hide(withoutCredentials(plain(log)))
    .split('\n')
    .map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}…` : line).trimEnd());
  const end = endOf(lines);
  const chosen = new Set<number>();
  let room = most;
  /** Whether the line is chosen by now. */
  const take = (index: number): boolean => {
    const cost = (lines[index]?.length ?? 0) + 1;
    if (chosen.has(index)) return true;
    if (cost > room) return false;
    room -= cost;
    chosen.add(index);
    return true;
  };
  // Half of the room is for the end at most, where the summary is; the rest for what was said first of what went wrong.
  const forErrors = most / 2;
  for (let index = end - 1; index >= Math.max(0, end - ENDING) && room > forErrors; index--) {
    if (!take(index)) break;
  }
  for (const at of errorLines(lines, end)) {
    for (let index = Math.max(0, at - BEFORE); index <= Math.min(end - 1, at + BEHIND); index++) {
      if (!take(index)) return assembled(lines, end, chosen);
    }
  }
  return assembled(lines, end, chosen);
}

/** Those that runners mark as errors before those which only sound like one. */
function errorLines(lines: readonly string[], end: number): number[] {
  const telling = lines
    .slice(0, end)
    .flatMap((line, index) => (TELLS.test(line) && !HARMLESS.test(line) ? [index] : []));
  const marked = telling.filter((index) => lines[index]?.includes('##[error]'));
  return [...marked, ...telling];
}

function endOf(lines: readonly string[]): number {
  const cleanUp = lines.findIndex((line) => CLEAN_UP.test(line));
  let end = cleanUp > 0 ? cleanUp : lines.length;
  while (end > 0 && lines[end - 1] === '') end -= 1;
  return end;
}

function assembled(lines: readonly string[], end: number, chosen: ReadonlySet<number>): string {
  const parts: string[] = [];
  let skipped = 0;
  const tellSkipped = (): void => {
    if (skipped > 0) parts.push(`[${skipped} lines left out]`);
    skipped = 0;
  };
  for (let index = 0; index < end; index++) {
    if (!chosen.has(index)) skipped += 1;
    else {
      tellSkipped();
      parts.push(lines[index] ?? '');
    }
  }
  tellSkipped();
  return parts.join('\n').toWellFormed();
}

/** As a person reads it in a terminal: without times, colours, and what was overwritten in the same line. */
function plain(log: string): string {
  return log
    .split(/\r?\n/)
    .map((line) => {
      const text = line.replace(TIMESTAMP, '').replace(ESCAPES, '');
      return text.slice(text.lastIndexOf('\r') + 1).replace(CONTROLS, '');
    })
    .join('\n');
}
