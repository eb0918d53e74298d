import { attributeOf, type HtmlToken, htmlTokens } from './html-tokens.ts';
import { FETCH } from './limits.ts';

/** Elements that stand for themselves between what is before and behind them. */
const BLOCKS = new Set([
  ...['p', 'div', 'section', 'article', 'header', 'footer', 'main', 'nav', 'aside', 'table', 'blockquote'],
  ...['ul', 'ol', 'dl', 'dt', 'dd', 'form', 'figure', 'figcaption', 'details', 'summary', 'address'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'tr', 'title'],
]);

const MARKS: Record<string, string> = { strong: '**', b: '**', em: '_', i: '_', code: '`', kbd: '`' };

/**
 * HTML as Markdown, without scripts, styles and pictures that are written out in it; links are whole. It is written as it is read, in
 * one pass. `isCut`: only its beginning.
 */
export function toMarkdown(html: string, base: URL): { text: string; isCut: boolean } {
  const isCut = html.length > FETCH.html;
  const writer = createWriter(base);
  for (const token of htmlTokens(isCut ? html.slice(0, FETCH.html).toWellFormed() : html)) writer.take(token);
  return { text: writer.end(), isCut };
}

function createWriter(base: URL) {
  const out: string[] = [];
  /** Of each list that is open, the number of its last item; undefined where items have none. */
  const lists: (number | undefined)[] = [];
  /** Where the text of the link begins that is open, and where it leads to. */
  let link: { from: number; to: string } | undefined;
  let isCode = false;

  const wholeUrl = (to: string | undefined): string | undefined =>
    to !== undefined && /^(?!data:|javascript:)/i.test(to) && URL.canParse(to, base)
      ? new URL(to, base).href
      : undefined;
  const endLink = (): void => {
    if (link === undefined) return;
    const text = out.splice(link.from).join('').trim();
    if (text !== '') out.push(`[${text}](${link.to})`);
    link = undefined;
  };
  const endBlock = (): void => {
    endLink();
    out.push('\n\n');
  };

  const open = (name: string, attributes: string): void => {
    if (isCode) return;
    if (BLOCKS.has(name)) endBlock();
    const heading = /^h([1-6])$/.exec(name)?.[1];
    if (heading !== undefined) out.push(`${'#'.repeat(Number(heading))} `);
    else if (name === 'title') out.push('# ');
    else if (name === 'pre') {
      endBlock();
      out.push('```\n');
      isCode = true;
    } else if (name === 'br') out.push('\n');
    else if (name === 'hr') out.push('\n\n---\n\n');
    else if (name === 'ul') lists.push(undefined);
    else if (name === 'ol') lists.push(0);
    else if (name === 'li') item();
    else if (name === 'a') {
      endLink();
      const to = wholeUrl(attributeOf(attributes, 'href'));
      if (to !== undefined) link = { from: out.length, to };
    } else if (name === 'img') {
      const to = wholeUrl(attributeOf(attributes, 'src'));
      if (to !== undefined) out.push(`![${attributeOf(attributes, 'alt') ?? ''}](${to})`);
    } else out.push(MARKS[name] ?? '');
  };
  const item = (): void => {
    endLink();
    const last = lists.at(-1);
    const depth = Math.max(0, Math.min(lists.length, FETCH.listDepth) - 1);
    if (last !== undefined) lists[lists.length - 1] = last + 1;
    out.push(`\n${'  '.repeat(depth)}${last === undefined ? '-' : `${last + 1}.`} `);
  };
  const close = (name: string): void => {
    if (name === 'pre' && isCode) {
      isCode = false;
      if (!out.at(-1)?.endsWith('\n')) out.push('\n');
      out.push('```\n\n');
    }
    if (isCode) return;
    if (name === 'a') endLink();
    else if (name === 'td' || name === 'th') out.push(' | ');
    else if (name === 'ul' || name === 'ol') lists.pop();
    if (BLOCKS.has(name)) endBlock();
    else out.push(MARKS[name] ?? '');
  };

  return {
    take(token: HtmlToken): void {
      if (token.kind === 'text') out.push(isCode ? token.text : token.text.replace(/\s+/g, ' '));
      else if (token.kind === 'open') open(token.name, token.attributes);
      else close(token.name);
    },
    end(): string {
      endLink();
      if (isCode) out.push('\n```');
      return tidy(out.join(''));
    },
  };
}

/** Without white space at the ends of lines, and with one empty line where there were several. Code keeps its beginnings of lines. */
function tidy(text: string): string {
  let isCode = false;
  const lines = text.split('\n').map((line) => {
    const bare = line.trimEnd();
    if (bare.startsWith('```')) isCode = !isCode;
    return isCode || /^ *(-|\d+\.) /.test(bare) ? bare : bare.trimStart();
  });
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
