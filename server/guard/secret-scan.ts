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

/** What looks like a credential in it, in the order of the rules. */
export function secretsIn({ path, line, text }: AddedText): SecretFinding[] {
  const findings: SecretFinding[] = [];
  const taken: { start: number; end: number }[] = [];
  for (const { rule, pattern, known, isLikely } of SECRET_RULES) {
    for (const match of text.matchAll(pattern)) {
      const value = secretValue(match);
      const [start, end] = [match.index, match.index + match[0].length];
      if (isLikely?.(value) === false || taken.some((other) => start < other.end && other.start < end))
        continue;
      taken.push({ start, end });
      findings.push({
        path,
        line: line + countLines(text, match.index + match[0].indexOf(value)),
        rule,
        fingerprint: fingerprint(rule, path, value),
        masked: `${value.slice(0, known)}… (${value.length} characters)`,
      });
    }
  }
  return findings;
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

function countLines(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
