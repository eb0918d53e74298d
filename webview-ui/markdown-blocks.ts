import { Marked, type Token } from 'marked';
import { link } from './links.ts';
import { strings } from './strings.ts';

/** One block of a markdown text. Equal `raw` renders equally, so a block is rendered once however often its text grows. */
export type Block =
  | { kind: 'prose'; raw: string; token: Token }
  | { kind: 'code'; raw: string; language: string; code: string; closed: boolean }
  /** What the parser gave up on: shown as it was written. */
  | { kind: 'plain'; raw: string };

/** A markdown text and what has been made of it, so that its continuation costs only what is new. */
export interface Blocks {
  text: string;
  blocks: Block[];
  /** The first of `blocks`, which nothing that follows can change. */
  settled: Block[];
}

export const noBlocks: Blocks = { text: '', blocks: [], settled: [] };

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);

/** Raw HTML is shown as the text that it is; a line break is the one tag that models need in tables. */
const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => (/^<br\s*\/?>$/i.test(text.trim()) ? '<br>' : escapeHtml(text)),
    link({ href, title, tokens }) {
      return anchor(href, title, this.parser.parseInline(tokens));
    },
    /** Never loaded: an address in a model's answer could carry away what the model has read. */
    image: ({ href, title, text }) => anchor(href, title, escapeHtml(strings.transcript.image(text))),
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
    code: ({ text }) => `<pre><code>${escapeHtml(text)}</code></pre>`,
  },
});

function anchor(href: string, title: string | null | undefined, inner: string): string {
  const target = link(href);
  if (target === null) return inner;
  const tip = escapeHtml(title ?? href);
  if (target.kind === 'external') return `<a href="${escapeHtml(target.url)}" title="${tip}">${inner}</a>`;
  const line = target.line === null ? '' : ` data-line="${target.line}"`;
  return `<a href="#" data-path="${escapeHtml(target.path)}"${line} title="${tip}">${inner}</a>`;
}

/**
 * Splits `text`. Where it continues `previous`, only what is not settled is read again: nothing that comes later changes a
 * settled block, but for link definitions, which count from where they stand.
 */
export function splitBlocks(text: string, previous: Blocks = noBlocks): Blocks {
  const source = text.replace(/\r\n?/g, '\n');
  const known = source.startsWith(previous.text) ? previous.settled : [];
  const settled = [...known, ...settle(source.slice(lengthOf(known), source.lastIndexOf('\n') + 1))];
  return { text: source, settled, blocks: [...settled, ...lex(source.slice(lengthOf(settled)))] };
}

/**
 * The blocks of whole lines but the last one that shows something: it may still grow, with the space after it. An
 * unfinished line settles nothing: `****` is a rule, which `****a` takes back, and `-` makes a heading of the line before.
 */
function settle(lines: string): Block[] {
  const blocks = lex(lines);
  const last = blocks.findLastIndex((block) => block.kind !== 'prose' || block.token.type !== 'space');
  return blocks.slice(0, Math.max(0, last));
}

function lengthOf(blocks: Block[]): number {
  return blocks.reduce((length, block) => length + block.raw.length, 0);
}

/** Nesting that is deep enough (`> > > …`, some thousand times) exhausts the parser's stack: no answer may do that to the panel. */
function lex(text: string): Block[] {
  try {
    return marked.lexer(text).map(toBlock);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ kind: 'plain', raw: text }];
  }
}

function toBlock(token: Token): Block {
  if (token.type !== 'code' || token.codeBlockStyle === 'indented')
    return { kind: 'prose', raw: token.raw, token };
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(token.raw)?.[1] ?? '```';
  const closed = new RegExp(`\\n {0,3}${fence[0]}{${fence.length},}[ \\t]*\\n*$`).test(token.raw);
  const language = /^[^\s{,:]*/.exec(token.lang ?? '')?.[0] ?? '';
  return { kind: 'code', raw: token.raw, language, code: token.text, closed };
}

/** HTML of one block. It is not safe until it has been through `sanitise`. */
export function renderBlock(token: Token): string {
  try {
    return marked.parser([token]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `<pre>${escapeHtml(token.raw)}</pre>`;
  }
}
