import assert from 'node:assert/strict';
import { segments } from '../../../server/protocol/hunks.ts';
import type { Item, Turn } from '../../../server/protocol/task.ts';
import { reasonsFor, whysOf } from '../../../server/review/reasons.ts';

type Tool = Extract<Item, { kind: 'tool' }>;

const call = (name: string, input: unknown, more: Partial<Tool> = {}): Tool => ({
  kind: 'tool',
  callId: `call of ${name}`,
  name,
  input,
  output: 'done',
  isError: false,
  startedAt: 1,
  ...more,
});
const turn = (...items: Item[]): Turn => ({ turnId: 'turn', startedAt: 1, items });
const write = (content: string, why: string, path = 'a.ts') => call('write', { path, content, why });
const edit = (oldText: string, newText: string, why: string, path = 'a.ts') =>
  call('edit', { path, oldText, newText, why });

/** The reasons of the hunks between two texts, in their order. */
function reasons(base: string, proposal: string, ...items: Item[]): (string | undefined)[] {
  const runs = segments(base, proposal, (text) => text);
  const found = reasonsFor('a.ts', runs, whysOf([turn(...items)]));
  return runs.flatMap((run) => (run.kind === 'changed' ? [found.get(run.hash)] : []));
}

const BASE = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\n';

describe('the reason of a hunk', () => {
  it('is that of the call that wrote it', () => {
    assert.deepEqual(
      reasons(
        BASE,
        'ONE\ntwo\nthree\nfour and a half\nfive\nseven\n',
        edit('one\ntwo', 'ONE\ntwo', 'It is a name'),
        edit('four', 'four and a half', 'As measured'),
        edit('six\n', '', 'Nobody uses it'),
        edit('other', 'seven', 'Elsewhere', 'b.ts'),
      ),
      ['It is a name', 'As measured', 'Nobody uses it'],
    );
  });

  it('is that of a call that made several edits, for each of them', () => {
    const edits = [
      { oldText: 'one', newText: 'ONE' },
      { oldText: 'six', newText: 'SIX' },
    ];
    assert.deepEqual(
      reasons(
        BASE,
        'ONE\ntwo\nthree\nfour\nfive\nSIX\nseven\n',
        call('edit', { path: 'a.ts', edits, why: 'Louder' }),
      ),
      ['Louder', 'Louder'],
    );
  });

  it('is that of the last one where several wrote the same, and of the one that wrote most', () => {
    assert.deepEqual(
      reasons('', BASE, write(BASE, 'First'), edit('two', 'two', 'Same'), write(BASE, 'Last')),
      ['Last'],
    );
    assert.deepEqual(reasons('', BASE, write(BASE.replace('two', '2'), 'All'), edit('2', 'two', 'A word')), [
      'All',
    ]);
  });

  it('is none for what no call wrote, said nothing of, or failed to write', () => {
    const proposal = BASE.replace('two', 'TWO');
    assert.deepEqual(reasons(BASE, proposal), [undefined]);
    assert.deepEqual(reasons(BASE, proposal, edit('six', 'SIX', 'Another place')), [undefined]);
    assert.deepEqual(
      reasons(BASE, proposal, call('edit', { path: 'a.ts', oldText: 'two', newText: 'TWO' })),
      [undefined],
    );
    const { input } = edit('two', 'TWO', 'It failed');
    assert.deepEqual(reasons(BASE, proposal, call('edit', input, { isError: true })), [undefined]);
    for (const odd of [null, 'text', { path: 1, content: 2, why: 3 }, []]) {
      assert.deepEqual(reasons(BASE, proposal, call('write', odd)), [undefined]);
    }
  });

  it('is found by any name that the agent has for the file, and is one line', () => {
    const proposal = BASE.replace('two', 'TWO');
    for (const path of ['./a.ts', '/workspace/a.ts', 'a.ts']) {
      assert.deepEqual(reasons(BASE, proposal, edit('two', 'TWO', ' It is\n loud ', path)), ['It is loud']);
    }
    assert.deepEqual(reasons(BASE, proposal, edit('two', 'TWO', 'Other', 'lib/a.ts')), [undefined]);
  });

  it('is that of a whole file for what is missing in it', () => {
    assert.deepEqual(reasons(BASE, 'one\ntwo\n', write('one\ntwo\n', 'Two are enough')), ['Two are enough']);
  });
});
