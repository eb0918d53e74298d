import assert from 'node:assert/strict';
import fc from 'fast-check';
import { digest, keptIn } from '../../../extension/review/contents.ts';
import { placesIn, unitsIn, withEndsOf } from '../../../extension/review/kept.ts';
import { compose } from '../../../server/protocol/compose.ts';
import { hunksOf, type Segment, segments, splitLines } from '../../../server/protocol/hunks.ts';
import type { FileChange } from '../../../server/protocol/review.ts';

/** Few different lines, so that changes are alike and stand close together. */
const line = fc.constantFrom('a\n', 'b\n', 'c\r\n', '}\n', '\n');
const text = fc
  .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('', 'end'))
  .map(([lines, end]) => lines.join('') + end);

const hashesOf = (runs: readonly Segment[]) => [...keptIn(runs, new Set())];
const subset = (hashes: readonly string[], mask: number) =>
  new Set(hashes.filter((_, index) => (mask >> index) & 1));

function fileOf(runs: Segment[]): FileChange {
  const hunks = hunksOf(runs);
  const sides = { oldMode: '100644', newMode: '100644', oldOid: '1', newOid: '2' };
  return { path: 'a', status: 'modified', binary: false, additions: 0, deletions: 0, ...sides, hunks };
}

describe('what a proposal document shows', () => {
  it('is read back as the changes that it is composed of', () => {
    fc.assert(
      fc.property(text, text, fc.nat(2 ** 12 - 1), (base, proposal, mask) => {
        const runs = segments(base, proposal, digest);
        const shown = compose(runs, subset(hashesOf(runs), mask));
        const units = unitsIn(runs, shown);
        assert.ok(units, 'it is composed of them');
        assert.equal(compose(runs, units), shown);
      }),
      { numRuns: 2000 },
    );
  });

  it('is no choice of changes where anything else is in it', () => {
    const runs = segments('1\n2\n3\n', '1\ntwo\n3\nfour\n', digest);
    const texts = ['', '1\n2\n3', '1\nzwei\n3\n', '1\ntwo\n3\nfour\n5\n', '1\ntwo\n3\nfour'];
    assert.deepEqual(
      texts.map((some) => unitsIn(runs, some)),
      texts.map(() => undefined),
    );
  });

  it('leaves out as little as it can where it can be read in several ways', () => {
    const runs = segments('a\n', 'a\na\n', digest);
    assert.deepEqual(unitsIn(runs, 'a\na\n'), new Set(hashesOf(runs)));
  });

  it('has each change where its place says, whatever else was rejected', () => {
    fc.assert(
      fc.property(text, text, fc.nat(2 ** 12 - 1), (base, proposal, mask) => {
        const runs = segments(base, proposal, digest);
        const rejected = subset(hashesOf(runs), mask);
        const lines = splitLines(compose(runs, keptIn(runs, rejected)));
        const places = placesIn(fileOf(runs), rejected);
        for (const run of runs) {
          if (run.kind === 'same') continue;
          const place = places.get(run.hash);
          const found = place && lines.slice(place.start, place.start + place.lines);
          assert.deepEqual(found, rejected.has(run.hash) ? undefined : run.after);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('ends of line that the editor made alike', () => {
  const mixed = 'a\r\nb\nc\r\nd';
  const CASES: [string, string, string][] = [
    ['come back where nothing was changed', 'a\r\nb\r\nc\r\nd', mixed],
    ['come back around a changed line', 'a\r\nB\r\nc\r\nd', 'a\r\nB\nc\r\nd'],
    ['come back around a line that was added', 'a\r\nb\r\nnew\r\nc\r\nd', 'a\r\nb\nnew\nc\r\nd'],
    ['come back around a line that was taken out', 'a\r\nc\r\nd', 'a\r\nc\r\nd'],
    ['are not added at the end', 'a\r\nb\r\nc', 'a\r\nb\nc'],
  ];
  for (const [name, written, expected] of CASES)
    it(name, () => assert.equal(withEndsOf(mixed, written), expected));

  it('come back where they are carriage returns alone, which the editor makes line feeds', () => {
    assert.deepEqual(
      [withEndsOf('a\rb\rc', 'a\nB\nc'), withEndsOf('a\nb\rc\n', 'a\nb\nc\nd\n')],
      ['a\rB\nc', 'a\nb\rc\nd\n'],
    );
  });

  it('are left alone where there is but one', () => {
    assert.equal(withEndsOf('a\r\nb\r\n', 'a\r\nb\r\nc\n'), 'a\r\nb\r\nc\n');
  });
});
