import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planFile, type Step, type Stored } from '../../../server/cli/apply-plan.ts';

const SEED = Number(process.env['APPLY_SEED'] ?? Date.now() % 2 ** 31);
const LABELS = { ours: 'mine', theirs: 'task' };
const file = (text: string, mode = '100644'): Stored => ({ mode, bytes: Buffer.from(text, 'latin1') });
const link = (target: string): Stored => file(target, '120000');
const plan = (base: Stored | null, theirs: Stored | null, ours: Stored | null): Step =>
  planFile({ base, theirs, ours }, LABELS);
const write = (stored: Stored, conflicts = 0): Step => ({ kind: 'write', stored, conflicts });

describe('what becomes of a file when a task is applied', function () {
  this.timeout(120_000);
  const [one, two, three] = [file('one\n'), file('two\n'), file('three\n')];
  const CASES: [
    what: string,
    ...sides: [base: Stored | null, theirs: Stored | null, ours: Stored | null],
    Step,
  ][] = [
    ['nobody else touched it', one, two, one, write(two)],
    ['it is new', null, two, null, write(two)],
    ['it is gone', one, null, one, { kind: 'delete' }],
    ['it was applied before', one, two, two, { kind: 'same' }],
    ['both deleted it', one, null, null, { kind: 'same' }],
    ['the person deleted it', one, two, null, { kind: 'clash', why: 'you deleted it, the task changed it' }],
    ['the task deleted it', one, null, two, { kind: 'clash', why: 'you changed it, the task deleted it' }],
    [
      'each changed another line',
      file('a\nb\nc\n'),
      file('A\nb\nc\n'),
      file('a\nb\nC\n'),
      write(file('A\nb\nC\n')),
    ],
    [
      'both changed a line',
      one,
      two,
      three,
      write(file('<<<<<<< mine\nthree\n=======\ntwo\n>>>>>>> task\n'), 1),
    ],
    ['both made it', null, two, three, write(file('<<<<<<< mine\nthree\n=======\ntwo\n>>>>>>> task\n'), 1)],
    ['one changed its mode, one its text', one, file('one\n', '100755'), two, write(file('two\n', '100755'))],
    ['the reverse', one, two, file('one\n', '100755'), write(file('two\n', '100755'))],
    ['only the mode is not there yet', one, file('two\n', '100755'), two, write(file('two\n', '100755'))],
    [
      'it is Latin-1',
      file('caf\xe9\n-\nb\n'),
      file('caf\xe9\n-\nB\n'),
      file('caf\xe8\n-\nb\n'),
      write(file('caf\xe8\n-\nB\n')),
    ],
    [
      'it is no text',
      file('a\0\n'),
      file('b\0\n'),
      file('c\0\n'),
      { kind: 'clash', why: 'both of you changed it, and it is no text' },
    ],
    ['a link leads elsewhere', link('a'), link('b'), link('a'), write(link('b'))],
    [
      'a link leads to two places',
      link('a'),
      link('b'),
      link('c'),
      { kind: 'clash', why: 'both of you changed it, and it is no text' },
    ],
    [
      'the task made a link of it, the person wrote on',
      one,
      link('one'),
      two,
      { kind: 'clash', why: 'both of you changed it, and it is no text' },
    ],
  ];
  for (const [what, base, theirs, ours, step] of CASES)
    it(what, () => assert.deepEqual(plan(base, theirs, ours), step));

  it(`loses no line of the person's, whatever the texts (seed ${SEED})`, () => {
    const line = fc.constantFrom('a\n', 'b\n', 'c\n', 'd\r\n', '\n', 'e');
    const side = fc.option(fc.array(line, { maxLength: 12 }).map((all) => file(all.join(''))));
    fc.assert(
      fc.property(side, side, side, (base, theirs, ours) => {
        const step = plan(base, theirs, ours);
        if (step.kind !== 'write' || ours === null) return;
        const original = counted(base);
        const kept = counted(step.stored);
        for (const [text, count] of counted(ours))
          assert.ok(
            (kept.get(text) ?? 0) >= count - (original.get(text) ?? 0),
            `lost ${JSON.stringify(text)}`,
          );
      }),
      { numRuns: 10_000, seed: SEED },
    );
  });

  it(`comes to the same a second time, where nothing was left to settle (seed ${SEED})`, () => {
    const side = fc.option(
      fc.tuple(fc.array(fc.constantFrom('a\n', 'b\n', 'c\n'), { maxLength: 8 }), fc.boolean()),
    );
    const stored = side.map((made) => made && file(made[0].join(''), made[1] ? '100755' : '100644'));
    fc.assert(
      fc.property(stored, stored, (base, theirs) => {
        const step = plan(base, theirs, base);
        const after = step.kind === 'write' ? step.stored : step.kind === 'delete' ? null : base;
        assert.deepEqual([after, plan(base, theirs, after)], [theirs, { kind: 'same' }]);
      }),
      { numRuns: 10_000, seed: SEED },
    );
  });
});

/** Its lines, without their ends, and how often each is there. */
function counted(stored: Stored | null): Map<string, number> {
  const lines = new Map<string, number>();
  for (const text of (stored?.bytes.toString('latin1') ?? '').split(/\r?\n/))
    lines.set(text, (lines.get(text) ?? 0) + 1);
  return lines;
}
