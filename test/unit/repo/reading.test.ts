import assert from 'node:assert/strict';
import type { FileChange } from '../../../server/protocol/review.ts';
import { generatedByAttribute } from '../../../server/repo/attributes.ts';
import { listChanges } from '../../../server/repo/changes.ts';
import { createReading } from '../../../server/repo/reading.ts';
import { type Files, makeProposal, temporaryFolder } from './repositories.ts';

const LINES = Array.from({ length: 30 }, (_, index) => `export const n${index} = ${index};\n`);
const BASE: Files = {
  '.gitattributes': 'schema/* linguist-generated\nschema/by-hand.sql -linguist-generated\n',
  'api/.gitattributes': '*.json linguist-generated=true\n',
  'api/spec.json': '{}\n',
  'schema/all.sql': 'one\n',
  'schema/by-hand.sql': 'one\n',
  'src/app.js': "import './numbers.js';\n",
  'src/numbers.js': LINES.join(''),
  'test/app.test.js': "import '../src/app.js';\n",
  'yarn.lock': 'a\n',
};
const HEAD: Files = {
  // A proposal does not choose how it is read.
  '.gitattributes': '* linguist-generated\n',
  'api/spec.json': '{"a": 1}\n',
  'schema/all.sql': 'two\n',
  'schema/by-hand.sql': 'two\n',
  'src/app.js': "import './figures.js';\n",
  'src/numbers.js': null,
  'src/figures.js': LINES.with(3, 'export const three = 3;\n').join(''),
  'test/app.test.js': "import '../src/app.js';\nrun();\n",
  'yarn.lock': 'b\n',
};

describe('reading a proposal', () => {
  it('has an order, with what was moved, what was generated, what is risky and why it was done', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, BASE, HEAD);
    const read = createReading(deps);
    const why = { callId: 'c1', path: 'test/app.test.js', written: 'run();\n', replaced: '', why: 'It runs' };
    const changes = await read(taskId, baseTree, headTree, [why]);
    const short = ({ path, risk, generated, renamedFrom, hunks }: FileChange) => [
      path,
      `${risk?.level}${generated ? ', generated' : ''}${renamedFrom ? ` from ${renamedFrom}` : ''}`,
      hunks.map(({ reason }) => reason ?? ''),
    ];
    assert.deepEqual(changes.map(short), [
      ['.gitattributes', 'high', ['']],
      ['schema/by-hand.sql', 'normal', ['']],
      ['src/figures.js', 'normal from src/numbers.js', ['']],
      ['src/app.js', 'normal', ['']],
      ['test/app.test.js', 'low', ['It runs']],
      ['src/numbers.js', 'normal', ['']],
      ['api/spec.json', 'low, generated', ['']],
      ['schema/all.sql', 'low, generated', ['']],
      ['yarn.lock', 'low, generated', ['']],
    ]);
    const bare = changes.map(({ risk, generated, renamedFrom, ...change }) => ({
      ...change,
      hunks: change.hunks.map(({ reason, ...hunk }) => hunk),
    }));
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
    assert.deepEqual(
      bare.sort(byPath),
      await listChanges(deps, taskId, baseTree, headTree),
      'nothing else differs',
    );
    assert.equal(await read(taskId, baseTree, headTree, [why]), changes, 'asked again it is known');
    const later = await read(taskId, baseTree, headTree, [why, { ...why, callId: 'c2', why: 'It has to' }]);
    assert.deepEqual(
      later.flatMap(({ hunks }) => hunks.flatMap(({ reason }) => reason ?? [])),
      ['It has to'],
    );
    assert.deepEqual(await read(taskId, baseTree, baseTree, []), []);
  });

  it('asks for the attributes of any name, and of very many', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree } = await makeProposal(folder.path, BASE, {});
    const odd = ['api/new\n"ü" \u{1f600}.json', 'api/deep/down/x.json', '-x', ':(glob)*', 'plain'];
    const many = Array.from({ length: 5000 }, (_, index) => `folder-${index}/${'x'.repeat(100)}/file`);
    assert.deepEqual(
      [...(await generatedByAttribute(deps, taskId, baseTree, [...odd, ...many]))],
      [
        [odd[0], true],
        [odd[1], true],
      ],
    );
  });
});
