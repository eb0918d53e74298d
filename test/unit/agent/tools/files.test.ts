import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isQuestion } from '../../../../server/agent/tools/asking-command.ts';
import { bash } from '../../../../server/agent/tools/bash.ts';
import { edit } from '../../../../server/agent/tools/edit.ts';
import { lesson } from '../../../../server/agent/tools/lesson.ts';
import { read } from '../../../../server/agent/tools/read.ts';
import { replaceIn } from '../../../../server/agent/tools/replace.ts';
import { decodeText, encodeText } from '../../../../server/agent/tools/text-file.ts';
import { write } from '../../../../server/agent/tools/write.ts';
import { createToolBench, type ToolBench } from '../../../fakes/tool-bench.ts';

describe('files that an agent changes', () => {
  let bench: ToolBench;
  beforeEach(async () => {
    bench = await createToolBench([read, write, edit, bash, lesson]);
  });
  afterEach(() => bench.close());

  /** What is in a file once it was read and then changed by a call. */
  const changed = async (content: string | Uint8Array, name: string, input: object): Promise<Buffer> => {
    bench.put('a', content);
    await bench.call('read', { path: 'a' });
    const result = await bench.call(name, { path: 'a', ...input });
    assert.equal(result.isError, false, result.output);
    return bench.content('a');
  };
  const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

  it('keep their line endings, for several lines as for one, and where they are mixed', async () => {
    const edited = (content: string, oldText: string, newText: string) =>
      changed(content, 'edit', { oldText, newText }).then(String);
    assert.equal(await edited('one\r\ntwo\r\nthree\r\n', 'two', 'a\nb'), 'one\r\na\r\nb\r\nthree\r\n');
    assert.equal(await edited('one\r\ntwo\r\nthree', 'one\ntwo\n', 'x\ny\n'), 'x\r\ny\r\nthree');
    assert.equal(await edited('one\ntwo\r\nthree\n', 'one\ntwo\nthree', '1\n2\n3'), '1\n2\n3\n');
    assert.equal(await edited('one\r\ntwo', 'two', '2\n'), 'one\r\n2\r\n');
  });

  it('keep their encoding and byte order mark', async () => {
    const input = { oldText: 'é', newText: 'ü\n' };
    assert.deepEqual(await changed('\ufeffé!', 'edit', input), Buffer.from('\ufeffü\n!'));
    assert.deepEqual(await changed(utf16('é\r\n!'), 'edit', input), utf16('ü\r\n\r\n!'));
    assert.deepEqual(await changed(utf16('é!').swap16(), 'edit', input), utf16('ü\n!').swap16());
    const latin = Buffer.from('\xe9\x80!', 'latin1');
    assert.deepEqual(await changed(latin, 'edit', input), Buffer.from('\xfc\n\x80!', 'latin1'));
    assert.deepEqual(await changed(utf16('a\r\nb\r\n'), 'write', { content: 'c\nd\n' }), utf16('c\r\nd\r\n'));
  });

  it('keep them also where a lesson is added, or it says which character they lack', async () => {
    const learned = { what: 'Über', why: 'so', do: 'look' };
    const added = async (content: Uint8Array, lesson: object): Promise<Buffer | string> => {
      bench.put('lessons-learned.md', content);
      const { output, isError } = await bench.call('lesson', lesson);
      return isError ? output : bench.content('lessons-learned.md');
    };
    const latin = Buffer.from('- Caf\xe9\r\n- b\n', 'latin1');
    assert.deepEqual(
      [
        await added(utf16('- é\r\n'), learned),
        await added(latin, learned),
        await added(latin, { ...learned, do: '☕' }),
        await added(Buffer.from('\ufeff- é\n'), learned),
      ],
      [
        utf16('- é\r\n- Über: so. look.\r\n'),
        Buffer.from('- Caf\xe9\r\n- b\n- \xdcber: so. look.\n', 'latin1'),
        'Encoding: lessons-learned.md is written in Windows-1252, which has not all characters of the lesson. Use others.',
        Buffer.from('\ufeff- é\n- Über: so. look.\n'),
      ],
    );
  });

  it('get a new text as it is, whatever it means elsewhere', async () => {
    for (const newText of ['$&', '$$', '$1', "$'", '\\n', '']) {
      assert.equal(String(await changed('a-b-c\n', 'edit', { oldText: 'b', newText })), `a-${newText}-c\n`);
    }
  });

  it('stay untouched where one of several edits cannot be made', async () => {
    bench.put('a', 'one two\n');
    await bench.call('read', { path: 'a' });
    const edits = [
      { oldText: 'one', newText: '1' },
      { oldText: 'three', newText: '3' },
    ];
    assert.equal((await bench.call('edit', { path: 'a', edits })).isError, true);
    assert.equal(String(bench.content('a')), 'one two\n');
  });

  it('are changed once by a call that is run again after a crash', async () => {
    bench.put('a', 'x\n');
    await bench.call('read', { path: 'a' });
    const first = await bench.call('edit', { path: 'a', oldText: 'x', newText: 'x x' });
    const again = await bench.again('t:2');
    assert.deepEqual([again.output, again.files], [first.output, first.files]);
    assert.equal(String(bench.content('a')), 'x x\n');
    await bench.call('write', { path: 'b', content: '1' });
    bench.put('b', 'somebody else');
    assert.deepEqual((await bench.again('t:3')).isError, true);
    assert.equal(String(bench.content('b')), 'somebody else');
  });

  it('are known from the record where a turn goes on, by whatever name, and only as they were seen', async () => {
    bench.put('src/a', 'one\n');
    bench.put('b', 'two\n');
    const { files } = await bench.call('read', { path: `${bench.workspace}/src/../src/a` });
    assert.deepEqual(files, [
      { path: 'src/a', sha256: '2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806' },
    ]);
    await bench.call('edit', { path: './src/a', oldText: 'one', newText: '1' });
    bench.resume();
    assert.equal((await bench.call('write', { path: 'src/a', content: 'x' })).isError, false);
    assert.match((await bench.call('write', { path: 'b', content: 'x' })).output, /^NotRead: /);
    await bench.call('read', { path: 'b' });
    await bench.call('bash', { command: 'echo three >> b' });
    assert.match((await bench.call('write', { path: 'b', content: 'x' })).output, /^StaleFile: /);
  });

  it('are handed to the model as they are where they are images, their bytes beside the record', async () => {
    const image = Buffer.from('GIF89a and more');
    bench.put('a.gif', image);
    const { media } = await bench.call('read', { path: 'a.gif' });
    assert.deepEqual(media, [{ key: 't:1:media:0', mediaType: 'image/gif' }]);
    assert.equal(bench.memos.get('t:1:media:0'), image.toString('base64'));
    assert.ok(!JSON.stringify(bench.events).includes(image.toString('base64')));
  });

  it('a command in the background is found running by a call that is run again', async () => {
    await bench.call('bash', { command: 'echo once >> effects; sleep 60', background: true });
    await bench.again('t:1');
    assert.equal(String(bench.content('effects')), 'once\n');
  });
});

describe('a text and its bytes', () => {
  it('come back as they were, or are no text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const file = decodeText(bytes);
        if (file === undefined) return;
        assert.deepEqual(encodeText(file.text, file.format), Buffer.from(bytes));
      }),
    );
  });

  it('change where an edit says so, and nowhere else', () => {
    const word = fc.stringMatching(/^[ab$&\r\n]{1,4}$/);
    fc.assert(
      fc.property(word, word, word, (before, old, after) => {
        const text = `${before}<${old}>${after}`;
        fc.pre(!text.includes('\r'));
        const made = replaceIn('a', text, [{ oldText: `<${old}>`, newText: `[${after}]` }]);
        assert.deepEqual(made, { text: `${before}[${after}]${after}`, count: 1 });
      }),
    );
  });
});

describe('an edit', () => {
  const edited = (text: string, oldText: string, newText: string, replaceAll = false) =>
    replaceIn('a', text, [{ oldText, newText, replaceAll }]).text;

  it('parts no \\r from its \\n, wherever its text begins and ends', () => {
    assert.deepEqual(
      [
        edited('a\r\nb\r\n', '\nb', '\nc'),
        edited('a\r\nb\r\n', '\nb\r\n', 'c'),
        edited('a\r\nb\r\n', '\n', ' ', true),
        edited('a\nb\r\n', '\n', '\n\n', true),
      ],
      ['a\r\nc\r\n', 'ac', 'a b ', 'a\n\nb\r\n\r\n'],
    );
  });

  it('leaves what is outside of it as it was, and every line ended, whatever the ends of line', () => {
    const line = fc.tuple(fc.stringMatching(/^[ab]{0,2}$/), fc.constantFrom('\n', '\r\n'));
    const text = fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => `${lines.flat().join('')}<`);
    const word = fc.stringMatching(/^[ab\n]{0,3}$/);
    fc.assert(
      fc.property(text, fc.nat(12), fc.integer({ min: 1, max: 4 }), word, (file, at, length, newText) => {
        const plain = file.replaceAll('\r\n', '\n');
        const oldText = plain.slice(at, at + length);
        fc.pre(oldText !== '' && oldText !== newText);
        const made = edited(file, oldText, newText, true);
        assert.equal(made.replaceAll('\r\n', '\n'), plain.replaceAll(oldText, newText));
        assert.doesNotMatch(made, /\r(?!\n)/);
        const ofLine = (one: string) => one.replaceAll('\n', '\r?\n');
        const outside = file.split(new RegExp(ofLine(oldText)));
        assert.match(made, new RegExp(`^${outside.join(ofLine(newText))}$`));
        if (!/(^|[^\r])\n/.test(file)) assert.doesNotMatch(made, /(^|[^\r])\n/);
      }),
      { numRuns: 1000 },
    );
  });

  it('holds nobody up: not by the places of its text, nor by the lines that are like it', () => {
    const problem = (run: () => unknown) => {
      try {
        return run();
      } catch (error) {
        return error instanceof Error ? error.message : error;
      }
    };
    const long = 'ab'.repeat(300_000);
    const rows = Array.from({ length: 50_000 }, (_, row) => `  const value${row} = compute(${row}, other);`);
    const edits = Array.from({ length: 100 }, (_, at) => ({
      oldText: `const valux = computx(${at}, othex)`,
      newText: '',
    }));
    const before = performance.now();
    assert.equal(
      problem(() => edited(long, 'a', '\n')),
      'MultipleMatches: oldText occurs more than 100000 times in a, at lines 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 and 99991 more. Add surrounding lines to make it unique, or set replaceAll to true.',
    );
    assert.equal(edited(long.slice(0, 160_000), 'a', '\n', true), '\nb'.repeat(80_000));
    assert.equal(edited(`${long.slice(0, 160_000)}\r\n`, 'a', '\n', true), `${'\r\nb'.repeat(80_000)}\r\n`);
    assert.match(
      String(problem(() => replaceIn('a', rows.join('\n'), edits))),
      /\[95 more edits have problems\]/,
    );
    // It takes half a second; what was worked out for each place, or for each edit, took a minute.
    assert.ok(performance.now() - before < 8000, 'it takes too long');
  });

  it('makes no file that cannot be edited again', () => {
    assert.throws(() => edited('a'.repeat(1000), 'a', 'b'.repeat(10_001), true), {
      message:
        'TooMuch: this would make a 10001000 characters long; at most 10000000 fit. Do it with bash (sed), or in smaller parts.',
    });
  });
});

describe('a line that waits for an answer', () => {
  const QUESTIONS = [
    'Do you want to continue? [Y/n] ',
    'Are you sure? (yes/no): ',
    "Password for 'https://git.test': ",
    '[sudo] password for agent: ',
    'Enter passphrase for key: ',
    'done\nPress any key to continue...',
    'Overwrite existing file? ',
    '? Project name: › my-app',
  ];
  const OTHERS = [
    '',
    'Compiling: ',
    'Downloading 40%',
    'Password changed.\n',
    'done? [y/n]\n',
    'ok\n',
    'y/n',
  ];
  it('is told from others', () => {
    assert.deepEqual([...QUESTIONS, ...OTHERS].filter(isQuestion), QUESTIONS);
  });
});
