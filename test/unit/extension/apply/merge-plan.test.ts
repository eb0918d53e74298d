import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  applied,
  type Content,
  changesOf,
  planFile,
  planMode,
  planText,
  type Sides,
} from '../../../../extension/apply/merge-plan.ts';
import { splitLines } from '../../../../server/protocol/hunks.ts';
import { someEdit } from '../../protocol/texts.ts';

const LABELS = { ours: 'Your file', theirs: 'Proposal' };
const MARKERS = /^<{7} Your file\r\n[\s\S]*>{7} Proposal\r\n$/;
const MARKER = /^(<{7} Your file|={7}|>{7} Proposal)$/;
const CASES = { numRuns: 10_000, seed: Number(process.env['APPLY_SEED'] ?? Date.now() % 2 ** 31) };

const bytesOf = (text: string) => new TextEncoder().encode(text);
const file = (text: string): Content => ({ kind: 'file', bytes: bytesOf(text), text });
const open = (text: string): Content => ({ kind: 'file', text });
const binary = (...bytes: number[]): Content => ({ kind: 'file', bytes: Uint8Array.from(bytes) });
const link = (target: string): Content => ({ kind: 'link', bytes: bytesOf(target) });

/** What the person sees after the change. */
function merged(texts: { base: string; accepted: string; mine: string }): string {
  const step = planText(texts, LABELS);
  return step.kind === 'none' ? texts.mine : applied(texts.mine, step.changes);
}

/** How often each line is there, without what ends it. */
function counts(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split(/\r?\n/)) found.set(line, (found.get(line) ?? 0) + 1);
  return found;
}

/** A text of lines that are all different, and two edits of it that are made apart. */
const threeTexts = fc
  .record({
    lines: fc.nat(30),
    eol: fc.constantFrom('\n', '\r\n'),
    isEnded: fc.boolean(),
    ours: edits('mine'),
    theirs: edits('theirs'),
  })
  .map(({ lines, eol, isEnded, ours, theirs }) => {
    const base = Array.from({ length: lines }, (_, index) => `line ${index}`);
    const text = (some: string[], end: string) => some.join(end) + (isEnded && some.length > 0 ? end : '');
    return {
      base: text(base, '\n'),
      mine: text(edited(base, ours), eol),
      accepted: text(edited(base, theirs), '\n'),
    };
  });

function edits(who: string) {
  const edit = fc.tuple(
    fc.nat(30),
    fc.nat(4),
    fc.array(fc.constantFrom('a', 'b', '', ' x'), { maxLength: 3 }),
  );
  return fc
    .array(edit, { maxLength: 5 })
    .map((all) => all.map(([at, gone, added]) => [at, gone, added.map((line) => `${who}${line}`)] as const));
}

function edited(lines: string[], all: readonly (readonly [number, number, string[]])[]): string[] {
  const after = [...lines];
  for (const [at, gone, added] of all) after.splice(at, gone, ...added);
  return after;
}

describe('applying to a text', () => {
  it(`never loses a line that the person wrote (seed ${CASES.seed})`, () => {
    fc.assert(
      fc.property(threeTexts, (texts) => {
        const result = merged(texts);
        const [was, is, becomes] = [counts(texts.base), counts(texts.mine), counts(result)];
        for (const [line, count] of is) {
          const own = count - (was.get(line) ?? 0);
          assert.ok((becomes.get(line) ?? 0) >= own, `lost ${JSON.stringify(line)}`);
        }
      }),
      CASES,
    );
  });

  it(`keeps all of their lines that the proposal leaves alone, in order (seed ${CASES.seed})`, () => {
    fc.assert(
      fc.property(threeTexts, (texts) => {
        const accepted = new Set(texts.accepted.split('\n'));
        const base = new Set(texts.base.split('\n'));
        const kept = texts.mine.split(/\r?\n/).filter((line) => !base.has(line) || accepted.has(line));
        const lines = merged(texts).split(/\r?\n/);
        let at = -1;
        for (const line of kept) {
          at = lines.indexOf(line, at + 1);
          assert.ok(at >= 0 || line === '', `lost ${JSON.stringify(line)}`);
        }
      }),
      CASES,
    );
  });

  it(`adds nothing of its own but conflict markers (seed ${CASES.seed})`, () => {
    fc.assert(
      fc.property(threeTexts, (texts) => {
        const known = new Set([texts.mine, texts.accepted].flatMap((text) => text.split(/\r?\n/)));
        const strange = merged(texts)
          .split(/\r?\n/)
          .filter((line) => !known.has(line) && line !== '' && !MARKER.test(line));
        assert.deepEqual(strange, []);
      }),
      CASES,
    );
  });

  it('puts no markers around its own: what is not resolved is asked about', () => {
    const [base, accepted, mine] = [file('one\n'), file('two\n'), file('three\r\n')];
    const step = planFile({ base, accepted, mine }, LABELS);
    const marked = step.kind === 'edit' ? applied('three\r\n', step.changes) : '';
    assert.match(marked, MARKERS);
    const clash = { kind: 'clash', take: 'replace' };
    assert.deepEqual(planFile({ base, accepted, mine: file(marked) }, LABELS), clash);
    assert.deepEqual(planFile({ base, accepted, mine: open(marked) }, LABELS), clash);
    assert.deepEqual(planFile({ base: file(marked), accepted, mine: file(marked) }, LABELS).kind, 'edit');
  });

  it('is the accepted text where the person changed nothing, and theirs where the proposal did not', () => {
    fc.assert(
      fc.property(threeTexts, ({ base, mine, accepted }) => {
        assert.equal(merged({ base, mine: base, accepted }), accepted);
        assert.equal(merged({ base, mine, accepted: base }), mine);
        assert.deepEqual(planText({ base, mine: accepted, accepted }, LABELS), { kind: 'none' });
      }),
    );
  });

  it('puts both sides between the markers that the editor knows, with the document’s line ends', () => {
    const step = planText({ base: 'a\nb\nc\n', accepted: 'a\nB\nc\n', mine: 'a\r\nmine\r\nc\r\n' }, LABELS);
    assert.deepEqual(step, {
      kind: 'edit',
      conflicts: 1,
      changes: [
        { start: 3, end: 3, text: '<<<<<<< Your file\r\n' },
        { start: 9, end: 9, text: '=======\r\nB\r\n>>>>>>> Proposal\r\n' },
      ],
    });
  });

  it('touches only the lines that differ', () => {
    const mine = 'one\ntwo\nthree\nmine\n';
    const step = planText({ base: 'one\ntwo\nthree\n', accepted: 'one\nTWO\nthree\n', mine }, LABELS);
    assert.deepEqual(step, {
      kind: 'edit',
      conflicts: 0,
      changes: [{ start: 4, end: 8, text: 'TWO\n' }],
    });
  });

  it('changes line ends only where the proposal changes those of the whole file', () => {
    const [unix, windows] = ['a\nb\n', 'a\r\nb\r\n'];
    const eolOf = (base: string, accepted: string, mine: string) => {
      const step = planText({ base, accepted, mine }, LABELS);
      return step.kind === 'edit' ? step.eol : step.kind;
    };
    assert.deepEqual(
      [
        eolOf(unix, windows, unix),
        eolOf(windows, unix, windows),
        eolOf(unix, windows, windows),
        // Git keeps the file with other ends than the person has it.
        eolOf(unix, 'a\nB\n', windows),
        eolOf(unix, 'a\r\nb\n', unix),
      ],
      ['\r\n', '\n', 'none', undefined, 'none'],
    );
  });

  it('makes one text of another by changes that do not overlap', () => {
    fc.assert(
      fc.property(someEdit, ([from, to]) => {
        const changes = changesOf(from, to);
        assert.equal(applied(from, changes), to);
        assert.ok(
          changes.every(({ start, end }, index) => start <= end && end <= (changes[index + 1]?.start ?? end)),
        );
        const untouched = splitLines(from).length;
        assert.ok(changes.length <= untouched + 1);
      }),
    );
  });
});

describe('applying to a file', () => {
  const [a, b, c] = [file('a\n'), file('b\n'), file('c\n')];
  const cases: [string, Sides, unknown][] = [
    ['is not there and is accepted', { base: null, accepted: a, mine: null }, { kind: 'create' }],
    ['is there already', { base: null, accepted: a, mine: a }, { kind: 'none' }],
    ['is deleted', { base: a, accepted: null, mine: a }, { kind: 'delete' }],
    ['is deleted, and gone', { base: a, accepted: null, mine: null }, { kind: 'none' }],
    [
      'is deleted, and has other line ends than Git keeps',
      { base: a, accepted: null, mine: file('a\r\n') },
      { kind: 'delete' },
    ],
    [
      'is deleted, and the person changed it',
      { base: a, accepted: null, mine: open('mine') },
      { kind: 'clash', take: 'delete' },
    ],
    ['was deleted by the person', { base: a, accepted: b, mine: null }, { kind: 'clash', take: 'create' }],
    [
      'was made by both',
      { base: null, accepted: b, mine: c },
      {
        kind: 'edit',
        conflicts: 1,
        changes: [
          { start: 0, end: 0, text: '<<<<<<< Your file\n' },
          { start: 2, end: 2, text: '=======\nb\n>>>>>>> Proposal\n' },
        ],
      },
    ],
    [
      'is binary and untouched',
      { base: binary(0, 1), accepted: binary(0, 2), mine: binary(0, 1) },
      { kind: 'replace' },
    ],
    [
      'is binary and changed by both',
      { base: binary(0, 1), accepted: binary(0, 2), mine: binary(0, 3) },
      { kind: 'clash', take: 'replace' },
    ],
    ['becomes binary', { base: a, accepted: binary(0), mine: a }, { kind: 'replace' }],
    [
      'becomes binary, with text that is not saved',
      { base: a, accepted: binary(0), mine: open('a\nmine') },
      { kind: 'clash', take: 'replace' },
    ],
    ['becomes a link', { base: a, accepted: link('b'), mine: a }, { kind: 'replace' }],
    [
      'leads elsewhere',
      { base: link('a'), accepted: link('b'), mine: link('c') },
      { kind: 'clash', take: 'replace' },
    ],
    ['leads there already', { base: link('a'), accepted: link('b'), mine: link('b') }, { kind: 'none' }],
    [
      'has mixed line ends, which a document cannot hold',
      { base: file('a\nb\r\n'), accepted: file('a\nB\r\n'), mine: file('a\nb\r\n') },
      { kind: 'replace' },
    ],
  ];
  for (const [what, sides, step] of cases)
    it(`which ${what}`, () => assert.deepEqual(planFile(sides, LABELS), step));
});

describe('applying a mode', () => {
  it('is done where only the proposal changed it', () => {
    const mode = (base: string | null, accepted: string | null, mine: string | null) =>
      planMode({ base, accepted, mine });
    assert.deepEqual(
      [
        mode('100644', '100755', '100644'),
        mode('100644', '100755', '100755'),
        mode('100644', '100644', '100755'),
        mode(null, '100755', null),
        mode('100755', null, '100755'),
      ],
      ['100755', undefined, undefined, '100755', undefined],
    );
  });
});
