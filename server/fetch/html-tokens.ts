/** A piece of HTML. `name` is in lower case. */
export type HtmlToken =
  | { kind: 'text'; text: string }
  | { kind: 'open' | 'close'; name: string; attributes: string };

/** What stands in these is no text of the page. */
const RAW = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'iframe',
  'object',
  'canvas',
  'svg',
  'textarea',
]);

const NAME = /\/?[a-z][a-z0-9-]{0,30}/iy;

/** The pieces of a page in one pass: whoever wrote it cannot make that take longer than it is long, as a tree of it could. */
export function* htmlTokens(html: string): Generator<HtmlToken> {
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at);
    if (open !== at)
      yield { kind: 'text', text: decodeEntities(html.slice(at, open === -1 ? undefined : open)) };
    if (open === -1) return;
    NAME.lastIndex = open + 1;
    const name = NAME.exec(html)?.[0].toLowerCase();
    if (name === undefined) {
      const isMarkup = html[open + 1] === '!' || html[open + 1] === '?';
      const end = isMarkup ? endOfRemark(html, open) : open + 1;
      if (!isMarkup) yield { kind: 'text', text: '<' };
      at = end;
      continue;
    }
    const end = endOfTag(html, open + 1 + name.length);
    const attributes = html.slice(open + 1 + name.length, end - 1);
    at = end;
    if (name.startsWith('/')) yield { kind: 'close', name: name.slice(1), attributes: '' };
    else if (!RAW.has(name)) yield { kind: 'open', name, attributes };
    else if (!attributes.endsWith('/')) at = behindRaw(html, name, end);
  }
}

function endOfRemark(html: string, open: number): number {
  const isComment = html.startsWith('<!--', open);
  const end = html.indexOf(isComment ? '-->' : '>', open);
  return end === -1 ? html.length : end + (isComment ? 3 : 1);
}

/** Behind the `>` that ends a tag: one in quotes does not. */
function endOfTag(html: string, from: number): number {
  let quote = '';
  for (let at = from; at < html.length; at++) {
    const character = html.charAt(at);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '>') return at + 1;
    else if ((character === '"' || character === "'") && html[at - 1] === '=') quote = character;
  }
  return html.length + 1;
}

function behindRaw(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}[^>]{0,99}>`, 'gi');
  end.lastIndex = from;
  return end.test(html) ? end.lastIndex : html.length;
}

/** An attribute's value, of those that stand in a tag; undefined where it has none of that name. */
export function attributeOf(attributes: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(
    attributes.slice(0, MOST_ATTRIBUTES),
  );
  const value = found?.[1] ?? found?.[2] ?? found?.[3];
  return value === undefined ? undefined : decodeEntities(value).trim();
}

/** UTF-16 units of a tag that are looked at. */
const MOST_ATTRIBUTES = 4000;

const ENTITIES: Record<string, string> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', copy: '©', reg: '®', trade: '™' },
  ...{ mdash: '—', ndash: '–', hellip: '…', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', bull: '•' },
  ...{
    larr: '←',
    rarr: '→',
    times: '×',
    middot: '·',
    laquo: '«',
    raquo: '»',
    deg: '°',
    para: '¶',
    sect: '§',
  },
};

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : whole;
  });
}
