import { parse } from 'yaml';
import { HANDBOOK_LIMITS } from './limits.ts';

/** A Markdown file with a head of YAML between lines of `---`; without one, all of it is the body. */
export type FrontMatter =
  | { ok: true; head: Record<string, unknown>; body: string }
  | { ok: false; problem: string };

const HEAD = /^\uFEFF?---[ \t]*\r?\n(?:([\s\S]*?)\r?\n)?---[ \t]*(?:\r?\n|$)/;

/** References between parts of a head that are followed: a short text must not unfold to a long one. */
const MOST_ALIASES = 10;

/** The two parts, and nothing understood of the head. */
export function splitFrontMatter(text: string): { head: string; body: string } {
  const found = HEAD.exec(text);
  return found
    ? { head: found[1] ?? '', body: text.slice(found[0].length).trim() }
    : { head: '', body: text.replace(/^\uFEFF/, '').trim() };
}

/** Holds everything else up while it reads, so the head that it takes is short. */
export function readFrontMatter(text: string): FrontMatter {
  const { head: yaml, body } = splitFrontMatter(text);
  if (yaml.length > HANDBOOK_LIMITS.head)
    return { ok: false, problem: `its head is longer than ${HANDBOOK_LIMITS.head} characters` };
  let head: unknown;
  try {
    // Whether keys are unique is found out by comparing each with all others, so of two the last counts.
    head = parse(yaml, {
      uniqueKeys: false,
      maxAliasCount: MOST_ALIASES,
      prettyErrors: false,
      logLevel: 'error',
    });
  } catch {
    // Whatever the parser throws, also for depth: it says what the parser stumbled over, seldom what the person got wrong.
    return { ok: false, problem: 'what stands between its first two lines of --- is not YAML' };
  }
  if (head === null || head === undefined) return { ok: true, head: {}, body };
  if (!isRecord(head))
    return { ok: false, problem: 'what stands between its first two lines of --- has no keys' };
  return { ok: true, head, body };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
