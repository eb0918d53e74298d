import assert from 'node:assert/strict';
import fc from 'fast-check';
import { splitLines } from '../../../server/protocol/hunks.ts';
import { placeNow } from '../../../server/protocol/place-now.ts';

const numbered = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`);
const at = (startLine: number, snippet: string) => ({ startLine, snippet });

describe('the place of a comment', () => {
  it('moves with its lines, whatever is put in or taken out elsewhere', () => {
    fc.assert(
      fc.property(
        fc.nat(18),
        fc.nat(4),
        fc.array(fc.constantFrom('x\n', 'line 30\n', '\n'), { maxLength: 8 }),
        (from, removed, added) => {
          const now = numbered.toSpliced(Math.min(from, 18 - removed), removed, ...added);
          const startLine = now.indexOf('line 20\n') + 1;
          assert.deepEqual(placeNow(at(20, 'line 20\nline 21'), now.join('')), {
            startLine,
            endLine: startLine + 1,
          });
        },
      ),
    );
  });

  it('is stale once one of its lines is another', () => {
    const now = numbered.with(20, 'another\n').join('');
    assert.equal(placeNow(at(20, 'line 20\nline 21\n'), now), 'stale');
    assert.equal(placeNow(at(20, 'line 20\n'), ''), 'stale');
  });

  it('is the nearest of several', () => {
    const text = 'same words\nother\nsame words\nother\nother\nsame words';
    assert.deepEqual(
      [1, 3, 4, 6, 90].map((line) => placeNow(at(line, 'same words'), text)),
      [1, 3, 3, 6, 6].map((line) => ({ startLine: line, endLine: line })),
    );
  });

  it('is not at a far brace that says nothing', () => {
    const text = `${'word\n'.repeat(60)}}\n`;
    assert.equal(placeNow(at(10, '}'), text), 'stale');
    assert.deepEqual(placeNow(at(50, '}'), text), { startLine: 61, endLine: 61 });
  });

  it('does not change with the ends of lines', () => {
    const text = numbered.join('').replaceAll('\n', '\r\n');
    assert.deepEqual(placeNow(at(4, 'line 4\nline 5'), text), { startLine: 4, endLine: 5 });
  });

  it('is found at once among thousands of blank lines', () => {
    const blank = '\n'.repeat(20_000);
    const text = `${blank}${blank}${blank}`;
    for (let thread = 0; thread < 10; thread++) {
      assert.equal(placeNow(at(1, `${blank.slice(10)}word`), text), 'stale');
      assert.deepEqual(placeNow(at(5, blank), text), { startLine: 5, endLine: 20_004 });
    }
  }).timeout(5_000);

  it('is the nearest of all that have its lines, also where they overlap', () => {
    const someLines = fc.array(fc.constantFrom('word\n', 'words\n'), { minLength: 1, maxLength: 12 });
    const someWanted = fc.array(fc.constantFrom('word\n', 'words\n'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(someLines, someWanted, fc.integer({ min: 1, max: 12 }), (lines, wanted, startLine) => {
        const [nearest] = lines
          .flatMap((_, index) =>
            wanted.every((line, more) => lines[index + more] === line) ? [index + 1] : [],
          )
          .sort((one, other) => Math.abs(one - startLine) - Math.abs(other - startLine));
        const expected =
          nearest === undefined ? 'stale' : { startLine: nearest, endLine: nearest + wanted.length - 1 };
        assert.deepEqual(placeNow(at(startLine, wanted.join('')), lines.join('')), expected);
      }),
    );
  });

  it('is found in any text that has it', () => {
    const someLines = fc.array(fc.constantFrom('a\n', 'b\n', '}\n', '\n'), { maxLength: 10 });
    fc.assert(
      fc.property(someLines, someLines, (above, below) => {
        const text = [...above, 'const wanted = 1;\n', ...below].join('');
        assert.deepEqual(splitLines(text).indexOf('const wanted = 1;\n') + 1, above.length + 1);
        assert.deepEqual(placeNow(at(1, 'const wanted = 1;'), text), {
          startLine: above.length + 1,
          endLine: above.length + 1,
        });
      }),
    );
  });
});
