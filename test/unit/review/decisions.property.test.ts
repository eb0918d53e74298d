import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compose } from '../../../server/protocol/compose.ts';
import { type Segment, segments, splitLines } from '../../../server/protocol/hunks.ts';
import { unitStates, withDecisions } from '../../../server/protocol/ledger.ts';
import type { Decided, Hunk } from '../../../server/protocol/review.ts';
import { digest } from '../../../server/repo/contents.ts';
import { takenOut } from '../../../server/repo/kept-tree.ts';
import { unitsToKeep, unitsToTake } from '../../../server/tasks/decisions.ts';
import { someEdit, someText } from '../protocol/texts.ts';
import { cases, seeded } from './properties.ts';

const RUNS = 10_000;
const PATH = 'file';

type Changed = Extract<Segment, { kind: 'changed' }>;
const changesOf = (runs: Segment[]): Changed[] => runs.filter((run) => run.kind === 'changed');
const hashesOf = (runs: Segment[]): string[] => changesOf(runs).map(({ hash }) => hash);
const between = (base: string, proposal: string) => segments(base, proposal, digest);

/** An edit of lines of its own: none of them is in the base, and an unchanged line is on either side. */
interface Edit {
  /** The first of the base's lines that it takes out, from 0. */
  at: number;
  removed: number;
  added: string[];
}

const someEdits: fc.Arbitrary<Edit[]> = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 6 }),
      removed: fc.nat(4),
      added: fc.array(fc.constantFrom('x\n', 'y\r\n', 'z\n', '\n', '\ufeff\n'), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((plans) => {
    let end = 0;
    return plans.flatMap(({ gap, removed, added }) => {
      const at = end + gap;
      end = at + removed;
      return removed + added.length === 0 ? [] : [{ at, removed, added }];
    });
  });

const BASE = Array.from({ length: 90 }, (_, index) => `line ${index}\n`);
/** The base with these edits, by hand. */
const applied = (edits: readonly Edit[]): string =>
  edits
    .toReversed()
    .reduce((lines, { at, removed, added }) => lines.toSpliced(at, removed, ...added), BASE)
    .join('');

/** A base of the same block again and again, as in workflows and lock files, and some of its lines edited: in several blocks alike. */
const BLOCK = Array.from({ length: 9 }, (_, index) => `part ${index}\n`);
const someRepeated = fc
  .tuple(
    fc.integer({ min: 2, max: 6 }),
    fc.array(
      fc.record({
        block: fc.nat(5),
        at: fc.constantFrom(0, 4, 7),
        removed: fc.nat(2),
        added: fc.constantFrom([], ['x\n'], ['y\n', 'x\n']),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([blocks, plans]) => {
    const base = Array.from({ length: blocks }, () => BLOCK).flat();
    const edits = new Map(
      plans.map(({ block, at, ...edit }) => [(block % blocks) * BLOCK.length + at, edit]),
    );
    const proposal = base.map((line, index) => {
      const removed = [...edits].some(([at, edit]) => index >= at && index < at + edit.removed);
      return [...(edits.get(index)?.added ?? []), ...(removed ? [] : [line])].join('');
    });
    return [base.join(''), proposal.join('')] as const;
  });

/** Each change with the base's line, from 0, that it is at. */
function placed(base: string, proposal: string): { at: number; run: Changed }[] {
  let at = 0;
  return between(base, proposal).flatMap((run) => {
    const here = at;
    at += (run.kind === 'same' ? run.lines : run.before).length;
    return run.kind === 'same' ? [] : [{ at: here, run }];
  });
}

/** The text that the agent goes on with, by what makes the kept tree. */
function keptText(base: string, proposal: string, rejected: ReadonlySet<string>): string {
  const change = { path: PATH, oldMode: '100644', newMode: '100644', oldOid: null, newOid: null };
  const runs = between(base, proposal);
  return compose(runs, takenOut(change, { kind: 'text', runs }, rejected).kept);
}

/** Each edit with whether it is in the first proposal, in the second, and accepted. */
const someStory = someEdits.chain((edits) =>
  fc
    .array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), {
      minLength: edits.length,
      maxLength: edits.length,
    })
    .map((flags) =>
      edits.map((edit, index) => {
        const [inFirst = false, inSecond = false, isAccepted = false] = flags[index] ?? [];
        return { edit, inFirst, inSecond, isAccepted };
      }),
    ),
);
interface Part {
  edit: Edit;
  inFirst: boolean;
  inSecond: boolean;
  isAccepted: boolean;
}
const those = (story: readonly Part[], pick: (part: Part) => boolean): string =>
  applied(story.filter(pick).map(({ edit }) => edit));

describe('decisions, for any proposal', function () {
  this.timeout(120_000);

  it(seeded('are the base for none and the proposal for all', RUNS), () => {
    fc.assert(
      fc.property(someEdit, ([base, proposal]) => {
        const runs = between(base, proposal);
        assert.equal(compose(runs, new Set()), base);
        assert.equal(compose(runs, new Set(hashesOf(runs))), proposal);
      }),
      cases(RUNS),
    );
  });

  it(seeded('compose any choice exactly: every line of it is of the side that was chosen', RUNS), () => {
    fc.assert(
      fc.property(someEdit, fc.infiniteStream(fc.boolean()), ([base, proposal], choices) => {
        const runs = between(base, proposal);
        const taken = new Set(hashesOf(runs).filter(() => choices.next().value));
        let rest = compose(runs, taken);
        const consume = (lines: string[]) => {
          assert.ok(rest.startsWith(lines.join('')));
          rest = rest.slice(lines.join('').length);
        };
        for (const run of runs) {
          consume(run.kind === 'same' ? run.lines : taken.has(run.hash) ? run.after : run.before);
        }
        assert.equal(rest, '');
      }),
      cases(RUNS),
    );
  });

  it(seeded('outlive what the agent edits or takes back elsewhere, in both directions', RUNS), () => {
    fc.assert(
      fc.property(someStory, (story) => {
        const base = BASE.join('');
        const first = between(
          base,
          those(story, ({ inFirst }) => inFirst),
        );
        const second = between(
          base,
          those(story, ({ inSecond }) => inSecond),
        );
        const accepted = story.filter(({ inFirst }) => inFirst);
        assert.equal(changesOf(first).length, accepted.length, 'an edit is a hunk');
        const hashes = hashesOf(first).filter((_, index) => accepted[index]?.isAccepted);
        const ledger = withDecisions([], [{ path: PATH, hashes, state: 'accepted' }]);
        const taken = unitsToTake(ledger, []).get(PATH) ?? new Set();

        const isTaken = ({ inFirst, isAccepted }: Part) => inFirst && isAccepted;
        assert.equal(
          compose(second, taken),
          those(story, (part) => isTaken(part) && part.inSecond),
        );
        assert.equal(compose(first, taken), those(story, isTaken), 'and are there again');
      }),
      cases(RUNS),
    );
  });

  it(seeded('never fall on a hunk that is another than the one that was decided, or elsewhere', RUNS), () => {
    const some = fc.oneof(
      fc.tuple(someText, someText, someText),
      fc.tuple(someRepeated, someRepeated).map(([[base, first], [, second]]) => [base, first, second]),
    );
    fc.assert(
      fc.property(some, ([base = '', first = '', second = '']) => {
        const decided = new Map(placed(base, first).map((change) => [change.run.hash, change]));
        for (const change of placed(base, second)) {
          const known = decided.get(change.run.hash);
          if (known) assert.deepEqual(change, known);
        }
      }),
      cases(RUNS),
    );
  });

  it(
    seeded('leave all other hunks as they were where some are taken out, also in equal places', RUNS),
    () => {
      fc.assert(
        fc.property(someRepeated, fc.infiniteStream(fc.boolean()), ([base, proposal], choices) => {
          const before = placed(base, proposal);
          const rejected = new Set(before.flatMap(({ run }) => (choices.next().value ? [run.hash] : [])));
          const kept = keptText(base, proposal, rejected);
          assert.deepEqual(
            placed(base, kept),
            before.filter(({ run }) => !rejected.has(run.hash)),
          );
          assert.equal(keptText(base, kept, rejected), kept, 'taken out once, and no more the next time');
        }),
        cases(RUNS),
      );
    },
  );

  it(seeded('add up: the last one of a unit counts, whatever was decided in one request', RUNS), () => {
    const decision: fc.Arbitrary<Decided> = fc.record({
      path: fc.constantFrom('a', 'b'),
      hashes: fc.uniqueArray(fc.constantFrom('1', '2', '3')),
      state: fc.constantFrom('accepted', 'rejected', 'pending'),
    });
    const hunks = ['1', '2', '3'].map(
      (hash): Hunk => ({ hash, oldStart: 1, oldLines: 1, newStart: 1, newLines: 1 }),
    );
    fc.assert(
      fc.property(fc.array(decision), fc.nat(), (decisions, cut) => {
        const at = cut % (decisions.length + 1);
        const ledger = withDecisions([], decisions);
        assert.deepEqual(
          withDecisions(withDecisions([], decisions.slice(0, at)), decisions.slice(at)),
          ledger,
        );
        for (const path of ['a', 'b']) {
          const last = (hash: string) =>
            decisions.findLast((found) => found.path === path && found.hashes.includes(hash))?.state;
          const expected = new Map(hunks.map(({ hash }) => [hash, last(hash) ?? 'pending']));
          const change = { path, hunks };
          assert.deepEqual(unitStates(ledger, change), expected);
          const is = (state: string) => [...expected].flatMap(([hash, now]) => (now === state ? [hash] : []));
          assert.deepEqual([...(unitsToTake(ledger, []).get(path) ?? [])].sort(), is('accepted'));
        }
      }),
      cases(RUNS),
    );
  });

  it(seeded('leave the agent what was not rejected', RUNS), () => {
    fc.assert(
      fc.property(someEdit, fc.infiniteStream(fc.boolean()), ([base, proposal], choices) => {
        const runs = between(base, proposal);
        const rejected = hashesOf(runs).filter(() => choices.next().value);
        const hunks = hashesOf(runs).map(
          (hash): Hunk => ({ hash, oldStart: 1, oldLines: 1, newStart: 1, newLines: 1 }),
        );
        const ledger = withDecisions([], [{ path: PATH, hashes: rejected, state: 'rejected' }]);
        const change = {
          ...{ path: PATH, status: 'modified' as const, binary: false, additions: 0, deletions: 0 },
          ...{ oldMode: '100644', newMode: '100644', oldOid: null, newOid: null, hunks },
        };
        const kept = unitsToKeep(ledger, [change]).get(PATH) ?? new Set();
        assert.equal(
          splitLines(compose(runs, kept)).length,
          splitLines(base).length +
            changesOf(runs)
              .filter(({ hash }) => kept.has(hash))
              .reduce((sum, { before, after }) => sum + after.length - before.length, 0),
        );
        assert.deepEqual(
          rejected.filter((hash) => kept.has(hash)),
          [],
        );
        assert.equal(kept.size + rejected.length, hunks.length);
      }),
      cases(RUNS),
    );
  });
});
