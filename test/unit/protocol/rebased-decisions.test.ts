import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compose } from '../../../server/protocol/compose.ts';
import { type Segment, segments } from '../../../server/protocol/hunks.ts';

const SEED = Number(process.env['COMPOSE_SEED'] ?? Date.now() % 2 ** 31);
const CASES = { numRuns: 10_000, seed: SEED };

/** A change of the proposal, by the lines of the base that it is about. */
interface Edit {
  at: number;
  removed: number;
  added: string[];
}
const LINES = 60;
/** Lines that no hunk's identity reaches across: three on either side of it, and one between. */
const APART = 8;

/** Edits that stand apart, in the places that a mask of bits names. */
const someEdits = fc
  .array(fc.record({ removed: fc.nat(2), added: fc.nat(3) }), { minLength: 7, maxLength: 7 })
  .map((parts) =>
    parts.flatMap(({ removed, added }, place): Edit[] => {
      const lines = Array.from({ length: added }, (_, line) => `new ${place}.${line}\n`);
      return removed + added === 0 ? [] : [{ at: place * APART, removed, added: lines }];
    }),
  );

const base = Array.from({ length: LINES }, (_, line) => `line ${line}\n`);
const edited = (lines: readonly string[], edits: readonly Edit[]): string => {
  const result = [...lines];
  for (const { at, removed, added } of edits.toReversed()) result.splice(at, removed, ...added);
  return result.join('');
};
const runsOf = (from: string, to: string): Segment[] => segments(from, to, (text) => text);
const hashes = (runs: Segment[]): string[] =>
  runs.flatMap((run) => (run.kind === 'changed' ? [run.hash] : []));
const chosen = <One>(all: readonly One[], mask: number): One[] =>
  all.filter((_, index) => mask & (1 << index));
const mask = fc.nat(2 ** 7 - 1);

describe(`decisions on hunks (10,000 cases each, seed ${SEED}; COMPOSE_SEED repeats them)`, function () {
  this.timeout(120_000);
  it('outlive a revision that leaves their hunks, whatever becomes of the others', () => {
    fc.assert(
      fc.property(someEdits, mask, mask, (edits, kept, accepted) => {
        const before = hashes(runsOf(base.join(''), edited(base, edits)));
        assert.equal(before.length, edits.length);
        const stay = chosen(edits, kept);
        const others = edits
          .filter((edit) => !stay.includes(edit))
          .map((edit) => ({ ...edit, added: [...edit.added, 'another revision\n'] }));
        const next = [...stay, ...others].toSorted((one, other) => one.at - other.at);
        const runs = runsOf(base.join(''), edited(base, next));
        const taken = new Set(chosen(before, accepted));
        const still = edits.filter((edit, index) => stay.includes(edit) && accepted & (1 << index));
        assert.equal(compose(runs, taken), edited(base, still));
      }),
      CASES,
    );
  });

  it('outlive a base that moves on elsewhere in the file', () => {
    const moved = fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 3 })), { maxLength: 4 });
    fc.assert(
      fc.property(someEdits, mask, moved, (edits, accepted, inserts) => {
        const before = hashes(runsOf(base.join(''), edited(base, edits)));
        // In the middle between two places, where no hunk reaches.
        const byPlace = new Map(inserts);
        const newBase = base.flatMap((line, at): string[] => {
          const count = at % APART === APART - 4 ? byPlace.get((at - APART + 4) / APART) : undefined;
          return count === undefined
            ? [line]
            : [line, ...Array.from({ length: count }, () => `upstream ${at}\n`)];
        });
        const shifted = edits.map((edit) => ({
          ...edit,
          at: newBase.indexOf(base[edit.at] ?? ''),
        }));
        const runs = runsOf(newBase.join(''), edited(newBase, shifted));
        const stands = hashes(runs);
        assert.deepEqual(stands, before);
        assert.equal(
          compose(runs, new Set(chosen(before, accepted))),
          edited(newBase, chosen(shifted, accepted)),
        );
      }),
      CASES,
    );
  });
});
