import { createHash } from 'node:crypto';
import type { SecretFinding } from '../protocol/publish.ts';
import { secretByName } from '../protocol/secret-files.ts';
import { SECRET_RULES, secretValue } from '../protocol/secret-rules.ts';

/** A run of lines that a push would add. */
export interface AddedText {
  path: string;
  /** Of its first line, 1-based. */
  line: number;
  text: string;
}

/** More findings than these are of no use to anybody. */
export const MAX_FINDINGS = 500;

/**
 * What looks like a credential in it, in the order of the rules; each value once, at its first place. One more than `MAX_FINDINGS` where
 * there are more than those: the rest is not looked for.
 */
export function secretsIn({ path, line, text }: AddedText): SecretFinding[] {
  const findings = new Map<string, SecretFinding>();
  /** What the rules before have found, by position; no two overlap. */
  let taken: Span[] = [];
  for (const { rule, pattern, known, isLikely } of SECRET_RULES) {
    const found: Span[] = [];
    const lineAt = lineCounter(text, line);
    const isTaken = overlapOf(taken);
    for (const match of text.matchAll(pattern)) {
      const value = secretValue(match);
      const span = { start: match.index, end: match.index + match[0].length };
      if (isLikely?.(value) === false || isTaken(span)) continue;
      found.push(span);
      const id = fingerprint(rule, path, value);
      if (findings.has(id)) continue;
      findings.set(id, {
        path,
        line: lineAt(match.index + match[0].indexOf(value)),
        rule,
        fingerprint: id,
        masked: `${value.slice(0, known)}… (${value.length} characters)`,
      });
      if (findings.size > MAX_FINDINGS) return [...findings.values()];
    }
    if (found.length > 0) taken = [...taken, ...found].sort((a, b) => a.start - b.start);
  }
  return [...findings.values()];
}

interface Span {
  start: number;
  end: number;
}

/** Tells whether a span overlaps one of `spans`, which are in order and apart. Has to be asked in ascending order, too. */
function overlapOf(spans: readonly Span[]): (span: Span) => boolean {
  let next = 0;
  return ({ start, end }) => {
    while ((spans[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
    return (spans[next]?.start ?? Number.POSITIVE_INFINITY) < end;
  };
}

/** Tells the line of a position. Has to be asked in ascending order, so that all of the text is counted once. */
function lineCounter(text: string, first: number): (position: number) => number {
  let line = first;
  let newline = text.indexOf('\n');
  return (position) => {
    for (; newline !== -1 && newline < position; newline = text.indexOf('\n', newline + 1)) line += 1;
    return line;
  };
}

/** A file that nobody else should have, as its name says. */
export function secretFile(path: string, oid: string): SecretFinding[] {
  const rule = secretByName(path);
  if (rule === undefined) return [];
  return [{ path, line: 1, rule: `${rule}-file`, fingerprint: fingerprint(rule, path, oid), masked: '…' }];
}

/** Digits of a fingerprint: enough to tell a task's findings apart. What is found is too random to be guessed from it. */
const FINGERPRINT_LENGTH = 24;

function fingerprint(rule: string, path: string, value: string): string {
  const digest = createHash('sha256').update([rule, path, value].join('\0')).digest('hex');
  return digest.slice(0, FINGERPRINT_LENGTH);
}
