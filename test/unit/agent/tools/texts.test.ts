import assert from 'node:assert/strict';
import { bash } from '../../../../server/agent/tools/bash.ts';
import { edit } from '../../../../server/agent/tools/edit.ts';
import { glob } from '../../../../server/agent/tools/glob.ts';
import { grep } from '../../../../server/agent/tools/grep.ts';
import { read } from '../../../../server/agent/tools/read.ts';
import { stopCommand } from '../../../../server/agent/tools/stop-command.ts';
import { write } from '../../../../server/agent/tools/write.ts';
import { createToolBench, type ToolBench } from '../../../fakes/tool-bench.ts';
import { assertGolden, assertNoStray } from './golden.ts';

/** What is done before the call, and then the call whose text is compared. */
interface Case {
  before?: (bench: ToolBench) => Promise<unknown> | unknown;
  input: Record<string, unknown> | ((bench: ToolBench) => Record<string, unknown>);
  fails?: true;
}

const lines = (count: number, text = (n: number) => `line ${n}`): string =>
  Array.from({ length: count }, (_, index) => `${text(index + 1)}\n`).join('');

/** Puts a file there and has the agent read it. */
const known = (path: string, content: string | Uint8Array) => (bench: ToolBench) => {
  bench.put(path, content);
  return bench.call('read', { path });
};

const SOURCE = `export function distance(a, b) {
\tconst dx = a.x - b.x;
\tconst dy = a.y - b.y;
\treturn Math.sqrt(dx * dx + dy * dy);
}

export function area(w, h) {
\treturn w * h;
}
`;
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const PDF = Buffer.from('%PDF-1.4\n%%EOF\n');

const CASES: Record<string, Record<string, Case>> = {
  read: {
    numbered: { before: ({ put }) => put('a.txt', 'one\ntwo\n\nfour'), input: { path: 'a.txt' } },
    page: { before: ({ put }) => put('a.txt', lines(9)), input: { path: 'a.txt', offset: 3, limit: 2 } },
    'line-cap': {
      before: ({ put }) =>
        put(
          'a.txt',
          lines(2003, () => 'x'),
        ),
      input: { path: 'a.txt' },
    },
    'byte-cap': {
      before: ({ put }) =>
        put(
          'a.txt',
          lines(40, (n) => `${n}${'y'.repeat(1900)}`),
        ),
      input: { path: 'a.txt' },
    },
    'long-line': {
      before: ({ put }) => put('a.txt', `${'z'.repeat(5000)}\nshort\n`),
      input: { path: 'a.txt' },
    },
    'long-line-on': {
      before: ({ put }) => put('a.txt', `${'z'.repeat(2100)}end\nshort\n`),
      input: { path: 'a.txt', column: 2001 },
    },
    'past-the-end': {
      before: ({ put }) => put('a.txt', 'one\n'),
      input: { path: 'a.txt', offset: 7 },
    },
    empty: { before: ({ put }) => put('a.txt', ''), input: { path: 'a.txt' } },
    missing: { input: { path: 'no/such.txt' }, fails: true },
    outside: { input: { path: '../secret' }, fails: true },
    folder: {
      before: ({ put }) => {
        for (const path of ['src/a.ts', 'src/deep/b.ts', 'src/deep/er/c.ts', 'src/.hidden', 'top'])
          put(path, '');
      },
      input: { path: 'src' },
    },
    'empty-folder': {
      before: (bench) => bench.call('bash', { command: 'mkdir none' }),
      input: { path: 'none' },
    },
    binary: {
      before: ({ put }) => put('a.bin', Uint8Array.of(1, 0, 2, 255)),
      input: { path: 'a.bin' },
      fails: true,
    },
    'too-large': {
      before: ({ put }) => put('a.txt', Buffer.alloc(10_000_001, 'a\n')),
      input: { path: 'a.txt' },
      fails: true,
    },
    'other-encoding': {
      before: ({ put }) => put('a.txt', Buffer.from('caf\xe9\n', 'latin1')),
      input: { path: 'a.txt' },
    },
    image: { before: ({ put }) => put('dot.png', PNG), input: { path: 'dot.png' } },
    'image-not-taken': {
      before: (bench) => {
        bench.put('dot.png', PNG);
        bench.abilities.images = false;
      },
      input: { path: 'dot.png' },
      fails: true,
    },
    pdf: { before: ({ put }) => put('a.pdf', PDF), input: { path: 'a.pdf' } },
    'pdf-not-taken': {
      before: (bench) => {
        bench.put('a.pdf', PDF);
        bench.abilities.pdf = false;
      },
      input: { path: 'a.pdf' },
      fails: true,
    },
    'image-too-large': {
      before: ({ put }) => put('big.png', Buffer.concat([PNG, Buffer.alloc(4_000_000)])),
      input: { path: 'big.png' },
      fails: true,
    },
    'wrong-arguments': { input: { file: 'a', offset: 0 }, fails: true },
    'handle-unknown': { input: { path: 'output://t:99' }, fails: true },
    'handle-result': {
      before: known('a.txt', lines(3)),
      input: { path: 'output://t:1', offset: 2 },
    },
    'handle-nothing-kept': {
      before: known('a.txt', lines(3)),
      input: { path: 'output://t:1/page' },
      fails: true,
    },
    'handle-background': {
      before: (bench) => bench.call('bash', { command: 'echo up; sleep 60', background: true }),
      input: { path: 'output://t:1/stdout' },
    },
    'handle-background-ended': {
      before: (bench) => bench.call('bash', { command: 'echo up; exit 4', background: true }),
      input: { path: 'output://t:1/stdout' },
    },
    'handle-log': {
      before: (bench) => bench.call('bash', { command: 'seq 10000; seq 3 >&2' }),
      input: { path: 'output://t:1/stdout', offset: 3108, limit: 3 },
    },
  },
  edit: {
    done: { before: known('a.ts', SOURCE), input: { path: 'a.ts', oldText: 'area', newText: 'surface' } },
    everywhere: {
      before: known('a.ts', SOURCE),
      input: { path: 'a.ts', oldText: 'dx', newText: '$&', replaceAll: true },
    },
    several: {
      before: known('a.ts', SOURCE),
      input: {
        path: 'a.ts',
        edits: [
          { oldText: 'area', newText: 'surface' },
          { oldText: 'distance', newText: 'span' },
        ],
      },
    },
    'not-read': {
      before: ({ put }) => put('a.ts', SOURCE),
      input: { path: 'a.ts', oldText: 'area', newText: 'surface' },
      fails: true,
    },
    stale: {
      before: async (bench) => {
        await known('a.ts', SOURCE)(bench);
        bench.put('a.ts', `// Somebody was here.\n${SOURCE}`);
      },
      input: { path: 'a.ts', oldText: 'area', newText: 'surface' },
      fails: true,
    },
    gone: {
      before: async (bench) => {
        await known('a.ts', SOURCE)(bench);
        await bench.call('bash', { command: 'rm a.ts' });
      },
      input: { path: 'a.ts', oldText: 'area', newText: 'surface' },
      fails: true,
    },
    missing: { input: { path: 'a.ts', oldText: 'a', newText: 'b' }, fails: true },
    'no-change': {
      before: known('a.ts', SOURCE),
      input: { path: 'a.ts', oldText: 'area', newText: 'area' },
      fails: true,
    },
    'multiple-matches': {
      before: known('a.ts', SOURCE),
      input: { path: 'a.ts', oldText: 'return', newText: 'yield' },
      fails: true,
    },
    'multiple-matches-many': {
      before: known(
        'a.txt',
        lines(30, () => 'same'),
      ),
      input: { path: 'a.txt', oldText: 'same', newText: 'other' },
      fails: true,
    },
    'no-match': {
      before: known('a.ts', SOURCE),
      input: { path: 'a.ts', oldText: 'completely unrelated %%%', newText: 'x' },
      fails: true,
    },
    'no-match-spacing': {
      before: known('a.ts', SOURCE),
      input: {
        path: 'a.ts',
        oldText: '  const dx = a.x - b.x;\n  const dy = a.y - b.y;\n',
        newText: 'x',
      },
      fails: true,
    },
    'no-match-near': {
      before: known('a.ts', SOURCE),
      input: {
        path: 'a.ts',
        oldText: '\tconst dx = a.x + b.x;\n\tconst dz = a.z - b.z;\n',
        newText: 'x',
      },
      fails: true,
    },
    'no-match-line-numbers': {
      before: known('a.ts', SOURCE),
      input: { path: 'a.ts', oldText: '8: \treturn w * h;\n9: }', newText: 'x' },
      fails: true,
    },
    'several-problems': {
      before: known('a.ts', SOURCE),
      input: {
        path: 'a.ts',
        edits: [
          { oldText: 'area', newText: 'surface' },
          { oldText: 'return', newText: 'yield' },
          { oldText: 'dy', newText: 'dy' },
        ],
      },
      fails: true,
    },
    overlap: {
      before: known('a.ts', SOURCE),
      input: {
        path: 'a.ts',
        edits: [
          { oldText: 'area(w, h) {', newText: 'area(width, height) {' },
          { oldText: '{\n\treturn w * h', newText: '{\n\treturn h * w' },
        ],
      },
      fails: true,
    },
    'encoding-lacks-it': {
      before: known('a.txt', Buffer.from('caf\xe9\n', 'latin1')),
      input: { path: 'a.txt', oldText: 'caf', newText: '☕' },
      fails: true,
    },
    'wrong-arguments': { input: { path: 'a.ts', oldText: 'a', edits: [] }, fails: true },
  },
  write: {
    'new-file': { input: { path: 'deep/er/a.txt', content: 'one\ntwo' } },
    known: { before: known('a.txt', 'old\n'), input: { path: 'a.txt', content: 'new\n' } },
    'own-work': {
      before: (bench) => bench.call('write', { path: 'a.txt', content: '1' }),
      input: { path: 'a.txt', content: '2' },
    },
    'not-read': {
      before: ({ put }) => put('a.txt', 'old\n'),
      input: { path: 'a.txt', content: 'new\n' },
      fails: true,
    },
    stale: {
      before: async (bench) => {
        await known('a.txt', 'old\n')(bench);
        await bench.call('bash', { command: 'echo more >> a.txt' });
      },
      input: { path: 'a.txt', content: 'new\n' },
      fails: true,
    },
    folder: { before: ({ put }) => put('src/a', ''), input: { path: 'src', content: 'x' }, fails: true },
    outside: { input: { path: '/etc/passwd', content: 'x' }, fails: true },
    'encoding-lacks-it': {
      before: known('a.txt', Buffer.from('caf\xe9\n', 'latin1')),
      input: { path: 'a.txt', content: '☕\n' },
      fails: true,
    },
  },
  bash: {
    printed: { input: { command: 'echo out; echo err >&2' } },
    silent: { input: { command: 'true' } },
    'exit-code': { input: { command: 'echo out; exit 3' }, fails: true },
    signal: { input: { command: 'echo out; kill -9 $$' }, fails: true },
    timeout: { input: { command: 'echo begun; sleep 60', timeoutMs: 1500 }, fails: true },
    'head-and-tail': { input: { command: 'seq 10000' } },
    'head-and-tail-of-errors': { input: { command: 'seq 10000 >&2; exit 1' }, fails: true },
    'asks-for-input': {
      input: { command: "printf 'Installing.\\nDo you want to continue? [Y/n] '; sleep 60" },
      fails: true,
    },
    'no-such-folder': { input: { command: 'true', cwd: 'nowhere' }, fails: true },
    'background-ends-at-once': {
      input: { command: 'echo port taken >&2; exit 1', background: true },
      fails: true,
    },
    background: { input: { command: 'echo up; sleep 60', background: true } },
    'wrong-arguments': { input: { command: '', timeoutMs: 99_999_999 }, fails: true },
  },
  stop_command: {
    stopped: {
      before: (bench) => bench.call('bash', { command: 'sleep 60', background: true }),
      input: { handle: 'output://t:1' },
    },
    'not-in-background': {
      before: (bench) => bench.call('bash', { command: 'true' }),
      input: { handle: 'output://t:1' },
      fails: true,
    },
  },
  grep: {
    found: {
      before: ({ put }) => {
        put('b.ts', SOURCE);
        put('a.ts', SOURCE);
      },
      input: { pattern: 'return', glob: '*.ts' },
    },
    nothing: { before: ({ put }) => put('a.ts', SOURCE), input: { pattern: 'zebra' } },
    'bad-pattern': { before: ({ put }) => put('a.ts', SOURCE), input: { pattern: 'area(' }, fails: true },
    'more-than-limit': {
      before: ({ put }) => put('a.txt', lines(9)),
      input: { pattern: 'line', limit: 3, offset: 2 },
    },
    'past-the-last': {
      before: ({ put }) => put('a.txt', lines(9)),
      input: { pattern: 'line', offset: 9 },
      fails: true,
    },
    'byte-cap': {
      before: ({ put }) =>
        put(
          'a.txt',
          lines(999, (n) => `line ${n} ${'x'.repeat(200)}`),
        ),
      input: { pattern: 'line', limit: 1000 },
    },
    'long-line': {
      before: ({ put }) => put('a.txt', `start ${'x'.repeat(4000)}\n`),
      input: { pattern: 'start' },
    },
    'no-such-place': { input: { pattern: 'x', path: 'nowhere' }, fails: true },
  },
  glob: {
    nothing: { input: { pattern: '*.rs' } },
    'more-than-limit': {
      before: ({ put }) => put('only.ts', ''),
      input: { pattern: '**', limit: 1, offset: 0 },
    },
    'past-the-last': {
      before: ({ put }) => put('a.ts', ''),
      input: { pattern: '*.ts', offset: 1 },
      fails: true,
    },
  },
  fly: { 'no-such-tool': { input: {}, fails: true } },
};

describe('what the model reads of a call', () => {
  let bench: ToolBench;
  beforeEach(async () => {
    bench = await createToolBench([read, write, edit, glob, grep, bash, stopCommand]);
  });
  afterEach(() => bench.close());

  for (const [tool, cases] of Object.entries(CASES)) {
    for (const [name, { before, input, fails = false }] of Object.entries(cases)) {
      it(`${tool}: ${name}`, async () => {
        await before?.(bench);
        const result = await bench.call(tool, typeof input === 'function' ? input(bench) : input);
        assertGolden(bench, tool, name, result.output);
        assert.equal(result.isError, fails);
      });
    }
    it(`${tool}: every text that is kept is compared`, () => assertNoStray(tool, Object.keys(cases)));
  }
});
