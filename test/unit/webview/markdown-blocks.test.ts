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

describe('markdown blocks', () => {
  it('are the same whether a text comes at once or grows', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        let grown = noBlocks;
        let text = '';
        for (const next of pieces) {
          text += next;
          grown = splitBlocks(text, grown);
        }
        assert.deepEqual(shapes(grown.blocks), shapes(splitBlocks(text).blocks));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the blocks before the last one when a text grows', () => {
    const before = splitBlocks('# One\n\nTwo\n\nThr');
    const after = splitBlocks('# One\n\nTwo\n\nThree', before);
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
