import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compose } from '../../../server/protocol/compose.ts';
import { hunksOf, type Segment, segments, splitLines } from '../../../server/protocol/hunks.ts';
import { someEdit } from './texts.ts';

const runsOf = ([base, proposal]: [string, string]) => segments(base, proposal, (text) => text);
const hashes = (runs: Segment[]) => runs.flatMap((run) => (run.kind === 'changed' ? [run.hash] : []));

const SEED = Number(process.env['COMPOSE_SEED'] ?? Date.now() % 2 ** 31);
const CASES = { numRuns: 10_000, seed: SEED };

describe(`compose (10,000 cases each, seed ${SEED}; COMPOSE_SEED repeats them)`, function () {
  this.timeout(120_000);
  it('is the base where nothing is accepted, and the proposal where everything is', () => {
    fc.assert(
      fc.property(someEdit, (edit) => {
        const runs = runsOf(edit);
        assert.deepEqual([compose(runs, new Set()), compose(runs, new Set(hashes(runs)))], edit);
      }),
      CASES,
    );
  });

  it('takes any choice of changes exactly, as editing the base by hand at the hunks would', () => {
    fc.assert(
      fc.property(someEdit, fc.infiniteStream(fc.boolean()), (edit, choices) => {
        const runs = runsOf(edit);
        const chosen = hunksOf(runs).filter(() => choices.next().value);
        const [edited, proposal] = [splitLines(edit[0]), splitLines(edit[1])];
        for (const { oldStart, oldLines, newStart, newLines } of chosen.toReversed()) {
          const added = newLines === 0 ? [] : proposal.slice(newStart - 1, newStart - 1 + newLines);
          edited.splice(oldLines === 0 ? oldStart : oldStart - 1, oldLines, ...added);
        }
        assert.equal(compose(runs, new Set(chosen.map(({ hash }) => hash))), edited.join(''));
      }),
      CASES,
    );
  });

  it('takes no notice of hashes that are not there', () => {
    const runs = runsOf(['a\nb\n', 'a\nB\n']);
    assert.equal(compose(runs, new Set(['nothing of this'])), 'a\nb\n');
  });

  it('keeps line ends and a missing last newline as they are on the side that was chosen', () => {
    const runs = runsOf(['one\r\ntwo\nthree', 'ONE\ntwo\nthree\n']);
    const [first = '', last = ''] = hashes(runs);
    assert.deepEqual(
      [[first], [last], [first, last]].map((accepted) => compose(runs, new Set(accepted))),
      ['ONE\ntwo\nthree', 'one\r\ntwo\nthree\n', 'ONE\ntwo\nthree\n'],
    );
  });
});
