import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { hunksOf, type Segment, segments, splitLines } from '../../../server/protocol/hunks.ts';
import { someEdit, someText } from './texts.ts';

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const runsOf = (base: string, proposal: string) => segments(base, proposal, digest);
const hashes = (runs: Segment[]) => runs.flatMap((run) => (run.kind === 'changed' ? [run.hash] : []));

describe('lines', () => {
  it('joined again are the text', () => {
    fc.assert(fc.property(someText, (text) => assert.equal(splitLines(text).join(''), text)));
  });

  it('keep their terminators', () => {
    assert.deepEqual(splitLines('a\r\n\nb\rc'), ['a\r\n', '\n', 'b\rc']);
    assert.deepEqual(splitLines(''), []);
    assert.deepEqual(splitLines('\n'), ['\n']);
  });
});

describe('segments', () => {
  it('hold base on one side and the proposal on the other', () => {
    fc.assert(
      fc.property(someEdit, ([base, proposal]) => {
        const runs = runsOf(base, proposal);
        const side = (pick: 'before' | 'after') =>
          runs.flatMap((run) => (run.kind === 'same' ? run.lines : run[pick])).join('');
        assert.deepEqual([side('before'), side('after')], [base, proposal]);
      }),
    );
  });

  it('alternate, and none is empty or changes nothing', () => {
    fc.assert(
      fc.property(someEdit, ([base, proposal]) => {
        for (const [index, run] of runsOf(base, proposal).entries()) {
          if (index > 0) assert.notEqual(run.kind, runsOf(base, proposal)[index - 1]?.kind);
          if (run.kind === 'same') assert.ok(run.lines.length > 0);
          else assert.notDeepEqual(run.before, run.after);
        }
      }),
    );
  });

  it('name each change by a hash of its own, the same every time', () => {
    fc.assert(
      fc.property(someEdit, ([base, proposal]) => {
        const found = hashes(runsOf(base, proposal));
        assert.equal(new Set(found).size, found.length);
        assert.deepEqual(hashes(runsOf(base, proposal)), found);
      }),
    );
  });

  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`);

  it('keep the hash of a change when another part of the file changes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('x\n', 'y\n', ''), { maxLength: 5 }),
        fc.array(fc.constantFrom('p\n', 'q\n', 'line 3\n'), { maxLength: 5 }),
        fc.nat(5),
        (edit, elsewhere, removed) => {
          const base = numbered(0, 40);
          const once = base.toSpliced(30, 2, ...edit);
          const twice = once.toSpliced(5, removed, ...elsewhere);
          const [hash] = hashes(runsOf(base.join(''), once.join('')));
          assert.ok(hash !== undefined && hashes(runsOf(base.join(''), twice.join(''))).includes(hash));
        },
      ),
    );
  });

  it('keep it also when a neighbouring line changes', () => {
    const base = numbered(0, 10).join('');
    const [hash] = hashes(runsOf(base, base.replace('line 4', 'LINE 4')));
    const both = base.replace('line 4', 'LINE 4').replace('line 6', 'LINE 6');
    assert.equal(hashes(runsOf(base, both))[0], hash);
  });

  it('tell equal edits in equal surroundings apart', () => {
    const base = 'a\nb\nc\nd\ne\nf\ng\n'.repeat(3);
    const found = hashes(runsOf(base, base.replaceAll('d\n', 'D\n')));
    assert.deepEqual([found.length, new Set(found).size], [3, 3]);
  });

  it('stay quick and whole for a file that was written anew', () => {
    const lines = (word: string) => Array.from({ length: 150_000 }, (_, n) => `${word} ${n}\n`);
    const base = ['first\n', ...lines('old'), 'last\n'].join('');
    const proposal = ['first\n', ...lines('new'), 'last\n'].join('');
    assert.deepEqual(
      hunksOf(runsOf(base, proposal)).map(({ hash: _, ...lines }) => lines),
      [{ oldStart: 2, oldLines: 150_000, newStart: 2, newLines: 150_000 }],
    );
    assert.deepEqual(hunksOf(runsOf('', proposal)).length, 1);
  });
});

describe('hunks', () => {
  it('say where each change is, as a unified diff without context does', () => {
    const positions = (base: string, proposal: string) =>
      hunksOf(runsOf(base, proposal)).map(
        (hunk) => `-${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines}`,
      );
    assert.deepEqual(positions('', 'a\nb\n'), ['-0,0 +1,2']);
    assert.deepEqual(positions('a\nb\n', ''), ['-1,2 +0,0']);
    assert.deepEqual(positions('a\nb\nc\n', 'a\nX\nc\nd'), ['-2,1 +2,1', '-3,0 +4,1']);
    assert.deepEqual(positions('a\nb', 'a\nb\n'), ['-2,1 +2,1']);
    assert.deepEqual(positions('a\r\nb\r\n', 'a\nb\r\n'), ['-1,1 +1,1']);
    assert.deepEqual(positions('same\n', 'same\n'), []);
  });

  it('leaves the other of equal edits in equal places what they were when one is taken out', () => {
    const step = (name: string) =>
      `- run: build\n  with:\n    node: ${name}\n  env:\n    CI: 1\n  if: always\n`;
    const text = (...names: string[]) => `steps:\n${names.map(step).join('')}end\n`;
    const base = text('20', '20', '20');
    const hashes = (proposal: string) =>
      segments(base, proposal, (value) => value).flatMap((run) => (run.kind === 'changed' ? [run.hash] : []));
    const [first, second, third] = hashes(text('24', '24', '24'));
    assert.equal(new Set([first, second, third]).size, 3);
    assert.deepEqual(hashes(text('20', '24', '24')), [second, third]);
    assert.deepEqual(hashes(text('24', '20', '24')), [first, third]);
  });
});
