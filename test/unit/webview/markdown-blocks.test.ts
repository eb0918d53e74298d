import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Block, noBlocks, renderBlock, splitBlocks } from '../../../webview-ui/markdown-blocks.ts';

/** Pieces that begin, end and mix every kind of block. */
const piece = fc.constantFrom(
  ...[
    '\n',
    '\n\n',
    'word ',
    'a. ',
    '# head\n',
    '- item\n',
    '1. one\n',
    '2. two\n',
    '  nested\n',
    '```ts\n',
    '```\n',
    '~~~\n',
  ],
  ...[
    '> quote\n',
    '| a | b |\n|---|---|\n',
    '| 1 | 2 |\n',
    '***\n',
    '**bold',
    '**',
    '`code`',
    '<div>\n',
    '</div>\n',
  ],
  ...['    indented\n', '---\n', '===\n', '[link](a.ts)', '![image](x.png)', '\\', '\r\n', '\t'],
);

const shapes = (blocks: Block[]) =>
  blocks.map((block) =>
    block.kind === 'prose' ? { kind: 'prose', raw: block.raw, type: block.token.type } : block,
  );

/** What comes of a text that arrives in these parts. */
function grow(parts: string[]): Block[] {
  let [text, grown] = ['', noBlocks];
  for (const part of parts) {
    text += part;
    grown = splitBlocks(text, grown);
  }
  return grown.blocks;
}

/** Cuts a text into parts of these lengths, taken in turn. */
function cut(text: string, lengths: number[]): string[] {
  const parts: string[] = [];
  for (let from = 0; from < text.length; from += parts.at(-1)?.length ?? 0)
    parts.push(text.slice(from, from + (lengths[parts.length % lengths.length] ?? 1)));
  return parts;
}

describe('markdown blocks', () => {
  it('are the same whether a text comes at once or grows', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        assert.deepEqual(shapes(grow(pieces)), shapes(splitBlocks(pieces.join('')).blocks));
      }),
      { numRuns: 500, examples: [[['| a | b |\n|---|---|\n', '**', '**', '# head\n']]] },
    );
  });

  it('are the same wherever the parts of a text are cut', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), lengths, (pieces, cuts) => {
        const text = pieces.join('');
        assert.deepEqual(shapes(grow(cut(text, cuts))), shapes(splitBlocks(text).blocks));
      }),
      {
        numRuns: 500,
        examples: [
          [['  nested\n', '2. two\n', '- item\n'], [1]],
          [['1. one\n', '\n', '2. two\n'], [1]],
        ],
      },
    );
  });

  it('keeps the blocks before that of the last whole line when a text grows', () => {
    const before = splitBlocks('# One\n\nTwo\n\nThree\nfo');
    const after = splitBlocks('# One\n\nTwo\n\nThree\nfour', before);
    const same = after.blocks.map((block, index) => block === before.blocks[index]);
    assert.deepEqual([same.slice(0, -1).every(Boolean), same.at(-1)], [true, false]);
  });

  it('starts anew where a text was replaced', () => {
    assert.deepEqual(shapes(splitBlocks('New.', splitBlocks('Old text.\n\nMore.')).blocks), [
      { kind: 'prose', raw: 'New.', type: 'paragraph' },
    ]);
  });

  it('knows an open fence from a closed one', () => {
    const code = (text: string) =>
      splitBlocks(text).blocks.map((block) => block.kind === 'code' && block.closed);
    assert.deepEqual(
      [
        code('```ts\nlet a'),
        code('```ts\nlet a\n```'),
        code('````md\n```\n'),
        code('````md\n```\n````\n'),
        code('~~~\nx\n~~~'),
      ],
      [[false], [true], [false], [true], [true]],
    );
  });

  it('takes the language of a fence without what follows it', () => {
    const [block] = splitBlocks('```ts {1,3} title=x\nlet a;\n```').blocks;
    assert.deepEqual(block, {
      kind: 'code',
      raw: '```ts {1,3} title=x\nlet a;\n```',
      language: 'ts',
      code: 'let a;',
      closed: true,
    });
  });

  it('shows what is nested too deep for the parser as it was written', () => {
    const text = `Before.\n\n${'> '.repeat(10_000)}deep`;
    const [first, last] = [
      splitBlocks(text).blocks.at(0),
      splitBlocks(text, splitBlocks('Before.\n\n> ')).blocks.at(-1),
    ];
    assert.deepEqual([first?.kind, last?.kind, last?.raw.endsWith('> deep')], ['plain', 'plain', true]);
  });

  it('shows raw HTML as text, and an image as a link that loads nothing', () => {
    const html = (text: string) =>
      splitBlocks(text)
        .blocks.map((block) => (block.kind === 'prose' ? renderBlock(block.token) : ''))
        .join('');
    assert.equal(html('<img src=x onerror=alert(1)>'), '&lt;img src=x onerror=alert(1)&gt;');
    assert.equal(html('a <b onclick="x">b</b>'), '<p>a &lt;b onclick=&quot;x&quot;&gt;b&lt;/b&gt;</p>\n');
    assert.equal(
      html('![secret](https://evil.example/?q=1)'),
      '<p><a href="https://evil.example/?q=1" title="https://evil.example/?q=1">Image: secret</a></p>\n',
    );
    assert.equal(html('[run](javascript:alert(1))'), '<p>run</p>\n');
    assert.equal(
      html('[a](src/a.ts#L3 "tip")'),
      '<p><a href="#" data-path="src/a.ts" data-line="3" title="tip">a</a></p>\n',
    );
  });
});
