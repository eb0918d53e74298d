import { parse } from 'yaml';

/** A Markdown file with a head of YAML between lines of `---`; without one, all of it is the body. */
export type FrontMatter =
  | { ok: true; head: Record<string, unknown>; body: string }
  | { ok: false; problem: string };

const HEAD = /^\uFEFF?---[ \t]*\r?\n(?:([\s\S]*?)\r?\n)?---[ \t]*(?:\r?\n|$)/;

/** References between parts of a head that are followed: a short text must not unfold to a long one. */
const MOST_ALIASES = 10;

export function readFrontMatter(text: string): FrontMatter {
  const found = HEAD.exec(text);
  if (!found) return { ok: true, head: {}, body: text.replace(/^\uFEFF/, '').trim() };
  const body = text.slice(found[0].length).trim();
  let head: unknown;
  try {
    head = parse(found[1] ?? '', { maxAliasCount: MOST_ALIASES, prettyErrors: false, logLevel: 'error' });
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
