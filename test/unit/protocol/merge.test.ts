import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { splitLines } from '../../../server/protocol/hunks.ts';
import { mergeText } from '../../../server/protocol/merge.ts';
import { someText } from './texts.ts';

const LABELS = { ours: 'ours', theirs: 'theirs' };
const merge = (base: string, ours: string, theirs: string) => mergeText(base, ours, theirs, LABELS);
const conflict = (ours: string, theirs: string) => `<<<<<<< ours\n${ours}=======\n${theirs}>>>>>>> theirs\n`;

describe('merging text', () => {
  const cases: Record<
    string,
    [base: string, ours: string, theirs: string, merged: string, conflicts: number]
  > = {
    'takes what stands apart from both sides': ['a\nb\nc\n', 'A\nb\nc\n', 'a\nb\nC\n', 'A\nb\nC\n', 0],
    'takes what both did once': ['a\nb\nc\n', 'A\nb\nc\n', 'A\nb\nC\n', 'A\nb\nC\n', 0],
    'marks what touches': ['a\nb\n', 'A\nb\n', 'a\nB\n', conflict('A\nb\n', 'a\nB\n'), 1],
    'marks additions in one place': ['a\n', 'a\nx\n', 'a\ny\n', `a\n${conflict('x\n', 'y\n')}`, 1],
    'marks only where the sides differ': [
      'a\nb\n',
      'new\nx\nend\nb\n',
      'new\ny\nend\nb\n',
      `new\n${conflict('x\n', 'y\n')}end\nb\n`,
      1,
    ],
    'has one conflict for changes that hang together': [
      'a\nb\nc\nd\ne\n',
      'A\nB\nC\nd\nE\n',
      'a\n2\nc\n4\n5\n',
      conflict('A\nB\nC\nd\nE\n', 'a\n2\nc\n4\n5\n'),
      1,
    ],
    'begins a marker on a line of its own': ['a', 'x', 'y', conflict('x\n', 'y\n'), 1],
    'marks a change of what the other took out': [
      'a\nb\nc\n',
      'a\nc\n',
      'a\nB\nc\n',
      `a\n${conflict('', 'B\n')}c\n`,
      1,
    ],
  };
  for (const [name, [base, ours, theirs, text, conflicts]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(merge(base, ours, theirs), { text, conflicts }));
  }

  it('has every line of both sides that is not in the base, and the same conflicts the other way round', () => {
    fc.assert(
      fc.property(someText, someText, someText, (base, ours, theirs) => {
        const merged = merge(base, ours, theirs);
        const turned = merge(base, theirs, ours);
        assert.equal(merged.conflicts, turned.conflicts);
        if (merged.conflicts === 0) assert.equal(merged.text, turned.text);
        const bare = (text: string) => new Set(splitLines(text).map((line) => line.replace(/[\r\n]+$/, '')));
        const kept = bare(base);
        const found = bare(merged.text);
        assert.deepEqual(
          [...bare(ours), ...bare(theirs)].filter((line) => !kept.has(line) && !found.has(line)),
          [],
        );
      }),
    );
  });

  it('is what Git makes of it, where no line is there twice', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'merge-text-'));
    const lines = Array.from({ length: 12 }, (_, index) => `line ${index}\n`);
    const side = (name: string) =>
      fc
        .array(fc.tuple(fc.nat(11), fc.nat(2), fc.subarray(['both\n', `${name}\n`])), { maxLength: 3 })
        .map((edits) =>
          edits
            .toSorted(([one], [other]) => other - one)
            .reduce((all, [at, removed, added]) => all.toSpliced(at, removed, ...added), lines)
            .join(''),
        );
    fc.assert(
      fc.property(side('mine'), side('other'), (ours, theirs) => {
        const names = Object.entries({ ours, base: lines.join(''), theirs }).map(([name, text]) => {
          writeFileSync(join(folder.path, name), text);
          return name;
        });
        const args = ['merge-file', '-p', '-L', 'ours', '-L', 'base', '-L', 'theirs', ...names];
        const { stdout, status } = spawnSync('git', args, { cwd: folder.path, encoding: 'utf8' });
        const merged = merge(lines.join(''), ours, theirs);
        assert.equal(merged.conflicts > 0, status !== 0);
        if (status === 0) assert.equal(merged.text, stdout);
      }),
      { numRuns: 150 },
    );
  }).timeout(30_000);

  it('takes a lock file of 30,000 lines in no time, with one change on either side', () => {
    const entry = (index: number) => [
      `    "node_modules/part-${index}": {\n`,
      '      "license": "MIT",\n',
      '      "engines": {\n',
      '        "node": ">=18"\n',
      '      }\n',
      '    },\n',
    ];
    const base = Array.from({ length: 5_000 }, (_, index) => entry(index)).flat();
    const ours = base.with(601, '      "license": "ISC",\n');
    const theirs = base.with(29_003, '        "node": ">=20"\n');
    assert.deepEqual(merge(base.join(''), ours.join(''), theirs.join('')), {
      text: ours.with(29_003, '        "node": ">=20"\n').join(''),
      conflicts: 0,
    });
  }).timeout(10_000);
});
