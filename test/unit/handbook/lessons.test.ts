import assert from 'node:assert/strict';
import fc from 'fast-check';
import { endOfLessons, withLesson } from '../../../server/handbook/lessons.ts';

const port = {
  what: 'The test server cannot listen on port 3000',
  why: 'the preview service holds it in the sandbox',
  do: 'Ask for port 0 and read which one it got',
};
const LINE =
  'The test server cannot listen on port 3000: the preview service holds it in the sandbox. Ask for port 0 and read which one it got.';

describe('a lesson', () => {
  it('makes the file where there is none', () =>
    assert.deepEqual(withLesson(undefined, port), {
      kind: 'added',
      bullet: `- ${LINE}`,
      text: `# Lessons learned\nOne bullet a lesson: what happens, why, what to do. Newest last.\n\n- ${LINE}\n`,
    }));

  it('goes behind the last bullet, in the file’s own style', () => {
    const file = '# Traps\r\n\r\n* One: of old.\r\n  It goes on here.\r\n\r\nThe end.';
    assert.deepEqual(withLesson(file, port), {
      kind: 'added',
      bullet: `* ${LINE}`,
      text: `# Traps\r\n\r\n* One: of old.\r\n  It goes on here.\r\n* ${LINE}\r\n\r\nThe end.`,
    });
  });

  it('leaves mixed ends of line as they are, and ends as the line before it', () => {
    const text = (file: string): string | undefined => {
      const made = withLesson(file, port);
      return 'text' in made ? made.text : undefined;
    };
    const less = '- The test server cannot listen on port 3000:\n  the preview service holds it';
    assert.deepEqual(
      [text('# A\r\n- apple\n\r\nb\n'), text('# A\n- apple\r\n\nb\r\n'), text(`# A\r\n${less}\r\n- b\n`)],
      [
        `# A\r\n- apple\n- ${LINE}\n\r\nb\n`,
        `# A\n- apple\r\n- ${LINE}\r\n\nb\r\n`,
        `# A\r\n- ${LINE}\r\n- b\n`,
      ],
    );
  });

  it('goes to the end where the file has no bullets, and takes none in code for one', () => {
    assert.deepEqual(withLesson('# Traps\n\n```\n- no bullet\n```\n', port), {
      kind: 'added',
      bullet: `- ${LINE}`,
      text: `# Traps\n\n\`\`\`\n- no bullet\n\`\`\`\n\n- ${LINE}\n`,
    });
    assert.deepEqual(withLesson('No end of line', port), {
      kind: 'added',
      bullet: `- ${LINE}`,
      text: `No end of line\n\n- ${LINE}`,
    });
  });

  it('is kept once: the same in other case, marks and order adds nothing', () => {
    const before =
      '**Ask for port 0** and read which one it got: the *test server* cannot listen on port 3000, the preview service holds it in the sandbox!';
    assert.deepEqual(withLesson(`- ${before}\n- Another.\n`, port), { kind: 'known', before });
  });

  it('takes the place of one that says less of the same', () => {
    const before = 'The test server cannot listen on port 3000: the preview service holds it';
    assert.deepEqual(
      withLesson(`# Traps\n- ${before},\n  always.\n- Another.\n`, { ...port, why: `${port.why}, always` }),
      {
        kind: 'strengthened',
        before: `${before}, always.`,
        bullet: `- ${LINE.replace('sandbox.', 'sandbox, always.')}`,
        text: `# Traps\n- ${LINE.replace('sandbox.', 'sandbox, always.')}\n- Another.\n`,
      },
    );
  });

  it('takes the place of none that is too short to be about the same, and is known where it is short itself', () => {
    for (const short of ['Test server', 'The preview service', '**Port 3000**'])
      assert.deepEqual(withLesson(`# Traps\n- ${short}\n`, port), {
        kind: 'added',
        bullet: `- ${LINE}`,
        text: `# Traps\n- ${short}\n- ${LINE}\n`,
      });
    const tiny = { what: 'Tests', why: 'slow', do: 'Wait' };
    const before = 'Wait: tests, slow!';
    assert.deepEqual(withLesson(`- ${before}\n`, tiny), { kind: 'known', before });
    assert.equal(withLesson(`- Tests are slow here; wait, then look at the log.\n`, tiny).kind, 'added');
  });

  it('is left to whoever reads both, where another is much like it', () => {
    const before = LINE.replace('port 0', 'a random port').replace('preview', 'metrics');
    assert.deepEqual(withLesson(`- ${before}\n`, port), { kind: 'alike', before });
  });

  it('changes nothing else of the file, keeps its ends of line, and is known from then on', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom('# Head', '- apple pie', '  more of it', '', 'words', '```', '* pear', '1. one'),
            fc.constantFrom('\n', '\r\n'),
          ),
          { maxLength: 12 },
        ),
        fc.boolean(),
        (lines, hasEnd) => {
          const file = hasEnd ? lines.flat().join('') : lines.flat().slice(0, -1).join('');
          const made = withLesson(file, port);
          assert.ok('text' in made);
          if (file.trim() === '') return;
          // The file is there on both sides of what was put into it.
          const added = made.text.length - file.length;
          const places = Array.from({ length: file.length + 1 }, (_, at) => at);
          const at = places.find((one) => made.text.slice(0, one) + made.text.slice(one + added) === file);
          assert.notEqual(at, undefined);
          assert.equal(made.text.slice(at, (at ?? 0) + added).trim(), made.bullet);
          if (!file.includes('\r')) assert.ok(!made.text.includes('\r'));
          else if (!/(^|[^\r])\n/.test(file)) assert.doesNotMatch(made.text, /(^|[^\r])\n/);
          assert.equal(/\n$/.test(made.text), /\n$/.test(file));
          if (!file.includes('```')) assert.equal(withLesson(made.text, port).kind, 'known');
        },
      ),
    );
  });
});

describe('the lessons that every call carries', () => {
  it('are all of them, or the newest, which stand last', () => {
    const text = '# Lessons\n- one\n- two\n- three\n';
    const whole = { text, isWhole: true, size: 34 };
    assert.equal(endOfLessons(whole, 100), text);
    const newest =
      '[Older lessons are left out: lessons-learned.md has 34 bytes. Read the rest where you need it.]\n- two\n- three\n';
    assert.equal(endOfLessons(whole, 18), newest);
    assert.equal(endOfLessons({ text: 'ne\n- two\n- three\n', isWhole: false, size: 34 }, 100), newest);
  });
});
