import assert from 'node:assert/strict';
import { outlineOf } from '../../../extension/review/outline.ts';
import { itemAt, itemsIn } from '../../../extension/review/placing.ts';
import type { Review } from '../../../extension/review/session.ts';
import type { FileChange } from '../../../server/protocol/review.ts';

const oid = (digit: number) => String(digit).repeat(40);
const hunk = (hash: string, oldStart: number, oldLines: number, newStart: number, newLines: number) => ({
  hash,
  ...{ oldStart, oldLines, newStart, newLines },
});

function reviewOf(more: Partial<FileChange>): Review {
  const sides = { oldMode: '100644', newMode: '100644', oldOid: oid(1), newOid: oid(2) };
  const counts = { binary: false, additions: 1, deletions: 1 };
  const file: FileChange = { path: 'a', status: 'modified', ...counts, ...sides, hunks: [], ...more };
  const changes = { revision: 1, baseTree: oid(3), headTree: oid(4), files: [file] };
  const rest = { acceptedTree: undefined, threads: [], isWorking: false, seq: 1 };
  const task = { taskId: 't', title: '', source: undefined };
  return { ...task, changes, decided: [], files: outlineOf(changes, []), ...rest };
}

/** Line 5 becomes two, line 20 goes, a line comes after line 30. */
const text = reviewOf({
  hunks: [hunk('changed', 5, 1, 5, 2), hunk('gone', 20, 1, 20, 0), hunk('come', 30, 0, 31, 1)],
  whole: 'mode',
});
const facts = reviewOf({ whole: 'mode' });

describe('the change at a line', () => {
  const at = (review: Review, side: 'base' | 'proposal', line: number) => {
    const [shown] = review.files;
    return shown && itemAt(review, shown, side, line - 1)?.hash;
  };
  const CASES: [string, 'base' | 'proposal', Record<number, string | undefined>][] = [
    ['is the one that has it', 'proposal', { 4: undefined, 5: 'changed', 6: 'changed', 7: undefined }],
    [
      'may be between two lines',
      'proposal',
      { 18: undefined, 19: 'gone', 20: 'gone', 21: 'gone', 22: undefined },
    ],
    ['is that of its side', 'base', { 5: 'changed', 6: undefined, 20: 'gone', 21: undefined, 30: 'come' }],
    ['is never just the nearest', 'proposal', { 1: 'mode', 2: undefined, 12: undefined, 900: undefined }],
  ];
  for (const [name, side, expected] of CASES)
    it(name, () => {
      const found = Object.keys(expected).map((line) => [line, at(text, side, Number(line))]);
      assert.deepEqual(Object.fromEntries(found), expected);
    });

  it('is what a file without lines has, at every line of its description', () => {
    assert.deepEqual([at(facts, 'proposal', 1), at(facts, 'base', 3)], ['mode', 'mode']);
  });
});

describe('a mark in the gutter of the person’s file', () => {
  const CASES: [string, first: number, last: number, string[]][] = [
    ['stands for the change whose lines it has', 5, 6, ['changed']],
    ['stands for all that it spans', 5, 31, ['changed', 'gone', 'come']],
    ['stands for lines that the proposal takes out', 20, 0, ['gone']],
    ['is the person’s own elsewhere', 12, 13, []],
    ['is the person’s own where they added lines', 6, 0, []],
  ];
  for (const [name, originalStartLineNumber, originalEndLineNumber, expected] of CASES)
    it(name, () => {
      const [shown] = text.files;
      assert.ok(shown);
      const found = itemsIn(text, shown, { originalStartLineNumber, originalEndLineNumber });
      assert.deepEqual(
        found.map(({ hash }) => hash),
        expected,
      );
    });
});
