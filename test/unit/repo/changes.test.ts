import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../../server/errors.ts';
import { unitsOf } from '../../../server/protocol/ledger.ts';
import type { FileChange } from '../../../server/protocol/review.ts';
import { changeAt, listChanges, patchOf, readBlob } from '../../../server/repo/changes.ts';
import { composeTree } from '../../../server/repo/compose-tree.ts';
import { contents, type Files, git, listing, makeProposal, temporaryFolder } from './repositories.ts';

const blob = (content: string | Uint8Array) => {
  const data = Buffer.from(content);
  return createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
};

const code = (expected: string) => (error: unknown) => error instanceof AppError && error.code === expected;

/** Every kind of change that a review can hold. */
const BASE: Files = {
  'text.txt': 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n',
  'crlf.txt': '\ufeffone\r\ntwo\r\n',
  'deleted.txt': 'gone\n',
  'mode.sh': 'run\n',
  'mode-and-text.sh': 'run\n',
  'to-link': 'a file\n',
  link: { link: 'text.txt' },
  binary: Uint8Array.from([0, 1, 2]),
  'latin1.txt': Uint8Array.from([0xe9, 10]),
  'was-file': 'a file\n',
  'was-dir/inner.txt': 'inner\n',
  untouched: 'untouched\n',
};
const HEAD: Files = {
  'text.txt': 'ONE\ntwo\nthree\nfour\nfive\nsix\nseven\nnine\nten',
  'crlf.txt': '\ufeffone\r\nTWO\n',
  'deleted.txt': null,
  'mode.sh': { exec: 'run\n' },
  'mode-and-text.sh': { exec: 'run\nmore\n' },
  'to-link': { link: 'a file' },
  link: { link: 'other.txt' },
  binary: Uint8Array.from([0, 3]),
  'latin1.txt': Uint8Array.from([0xe8, 10]),
  'was-file': null,
  'was-file/now.txt': 'now\n',
  'was-dir': null,
  'empty.txt': '',
  'new\n"quoted" ü': 'new\n',
};

describe('changes', () => {
  it('are told by path, with modes, names, kinds and hunks', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, BASE, {
      ...HEAD,
      'was-dir': 'a file now\n',
    });
    const changes = await listChanges(deps, taskId, baseTree, headTree);
    const short = ({ path: name, status, binary, oldMode, newMode, oldOid, newOid, hunks }: FileChange) => [
      name,
      status + (binary ? ' binary' : ''),
      `${oldMode} ${newMode}`,
      hunks.map((hunk) => `-${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines}`),
      oldOid,
      newOid,
    ];
    assert.deepEqual(changes.map(short), [
      [
        'binary',
        'modified binary',
        '100644 100644',
        [],
        blob(Uint8Array.from([0, 1, 2])),
        blob(Uint8Array.from([0, 3])),
      ],
      [
        'crlf.txt',
        'modified',
        '100644 100644',
        ['-2,1 +2,1'],
        blob('\ufeffone\r\ntwo\r\n'),
        blob('\ufeffone\r\nTWO\n'),
      ],
      ['deleted.txt', 'deleted', '100644 null', ['-1,1 +0,0'], blob('gone\n'), null],
      ['empty.txt', 'added', 'null 100644', [], null, blob('')],
      [
        'latin1.txt',
        'modified binary',
        '100644 100644',
        [],
        blob(Uint8Array.from([0xe9, 10])),
        blob(Uint8Array.from([0xe8, 10])),
      ],
      ['link', 'modified', '120000 120000', ['-1,1 +1,1'], blob('text.txt'), blob('other.txt')],
      ['mode-and-text.sh', 'modified', '100644 100755', ['-1,0 +2,1'], blob('run\n'), blob('run\nmore\n')],
      ['mode.sh', 'modified', '100644 100755', [], blob('run\n'), blob('run\n')],
      ['new\n"quoted" ü', 'added', 'null 100644', ['-0,0 +1,1'], null, blob('new\n')],
      [
        'text.txt',
        'modified',
        '100644 100644',
        ['-1,1 +1,1', '-8,1 +7,0', '-9,0 +9,1'],
        blob(String(BASE['text.txt'])),
        blob(String(HEAD['text.txt'])),
      ],
      ['to-link', 'type-changed', '100644 120000', [], blob('a file\n'), blob('a file')],
      ['was-dir', 'added', 'null 100644', ['-0,0 +1,1'], null, blob('a file now\n')],
      ['was-dir/inner.txt', 'deleted', '100644 null', ['-1,1 +0,0'], blob('inner\n'), null],
      ['was-file', 'deleted', '100644 null', ['-1,1 +0,0'], blob('a file\n'), null],
      ['was-file/now.txt', 'added', 'null 100644', ['-0,0 +1,1'], null, blob('now\n')],
    ]);
    assert.deepEqual(
      changes
        .filter(({ path: name }) => name === 'text.txt')
        .map(({ additions, deletions }) => [additions, deletions]),
      [[2, 2]],
    );
    const hashes = changes.flatMap(({ hunks }) => hunks.map(({ hash }) => hash));
    assert.ok(hashes.every((hash) => /^[0-9a-f]{24}$/.test(hash)));
  });

  it('are none between equal trees', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree } = await makeProposal(folder.path, BASE, {});
    assert.deepEqual(await listChanges(deps, taskId, baseTree, baseTree), []);
  });

  it('take a large file whole, and a file name that no JSON can carry not at all', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, repo } = await makeProposal(folder.path, { 'a.txt': 'a\n' }, {});
    const large = git(repo, ['hash-object', '-w', '--stdin'], 'x\n'.repeat(3 * 2 ** 20));
    const entries = Buffer.concat([
      Buffer.from(`100644 blob ${large}\tlarge.txt\x00100644 blob ${large}\t`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\0'),
    ]);
    const headTree = git(repo, ['mktree', '-z'], entries);
    const changes = await listChanges(deps, taskId, baseTree, headTree);
    assert.deepEqual(
      changes.map(({ path: name, status, binary, hunks }) => ({ name, status, binary, hunks: hunks.length })),
      [
        { name: 'a.txt', status: 'deleted', binary: false, hunks: 1 },
        { name: 'first.txt', status: 'deleted', binary: false, hunks: 1 },
        { name: 'large.txt', status: 'added', binary: true, hunks: 0 },
      ],
    );
  });

  it('are read in one go however many files differ', async () => {
    using folder = temporaryFolder();
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`f${n}.txt`, `${n}\n`.repeat(20_000)]),
    );
    const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, {}, many);
    const changes = await listChanges(deps, taskId, baseTree, headTree);
    assert.deepEqual(
      changes.map(({ path: name, additions }) => [name, additions]),
      Object.keys(many)
        .sort()
        .map((name) => [name, 20_000]),
    );
  });
});

describe('file content', () => {
  it('is read by name, any bytes', async () => {
    using folder = temporaryFolder();
    const bytes = Uint8Array.from([0, 255, 13, 10]);
    const { deps, taskId } = await makeProposal(folder.path, { b: bytes, empty: '' }, {});
    assert.deepEqual(new Uint8Array(await readBlob(deps, taskId, blob(bytes))), bytes);
    assert.deepEqual(new Uint8Array(await readBlob(deps, taskId, blob(''))), new Uint8Array());
  });

  it('is not found elsewhere than among the task’s own files', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree } = await makeProposal(folder.path, { 'a.txt': 'a\n' }, {});
    await assert.rejects(readBlob(deps, taskId, 'f'.repeat(40)), code('not_found'));
    await assert.rejects(readBlob(deps, taskId, baseTree), code('not_found'));
    await assert.rejects(readBlob(deps, 'other-task', blob('a\n')), code('not_found'));
    for (const oid of ['HEAD', '--help', 'refs/handoff/base', `${baseTree}:a.txt`, '']) {
      await assert.rejects(readBlob(deps, taskId, oid), code('bad_request'));
    }
    await assert.rejects(readBlob(deps, '../task-1', blob('a\n')), /not a task id/);
  });
});

describe('patch', () => {
  it('takes the base to the proposal by git apply', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree, repo } = await makeProposal(folder.path, BASE, HEAD);
    const patch = path.join(folder.path, 'p.patch');
    writeFileSync(patch, await patchOf(deps, taskId, baseTree, headTree));
    git(repo, ['read-tree', baseTree]);
    git(repo, ['apply', '--cached', '--whitespace=nowarn', patch]);
    assert.equal(git(repo, ['write-tree']), headTree);
    assert.deepEqual((await patchOf(deps, taskId, baseTree, baseTree)).length, 0);
  });
});

describe('the change of one path', () => {
  it('is what the list of all says of it', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, BASE, HEAD);
    const changes = await listChanges(deps, taskId, baseTree, headTree);
    for (const change of changes)
      assert.deepEqual(await changeAt(deps, taskId, { baseTree, headTree }, change.path), change);
    assert.equal(await changeAt(deps, taskId, { baseTree, headTree }, 'nowhere'), undefined);
    assert.equal(await changeAt(deps, taskId, { baseTree, headTree }, '*'), undefined, 'no pattern');
  });
});

describe('accepted tree', () => {
  it('is the base where nothing is accepted, and the proposal where all is', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, BASE, HEAD);
    const decision = { taskId, baseTree, headTree };
    assert.equal((await composeTree(deps, { ...decision, units: new Map() })).tree, baseTree);
    const none = new Map([['text.txt', new Set<string>()]]);
    assert.equal((await composeTree(deps, { ...decision, units: none })).tree, baseTree);
    const changes = await listChanges(deps, taskId, baseTree, headTree);
    const all = new Map(changes.map(({ path: name }) => [name, 'all' as const]));
    assert.equal((await composeTree(deps, { ...decision, units: all })).tree, headTree);
    const byUnit = new Map(changes.map((change) => [change.path, new Set(unitsOf(change))]));
    assert.equal((await composeTree(deps, { ...decision, units: byUnit })).tree, headTree);
  });

  it('is base plus exactly the accepted hunks', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree, repo } = await makeProposal(folder.path, BASE, HEAD);
    const changes = await listChanges(deps, taskId, baseTree, headTree);
    const hunks = (name: string, ...indices: number[]) => {
      const found = changes.find((change) => change.path === name)?.hunks ?? [];
      return [name, new Set(indices.map((index) => found[index]?.hash ?? ''))] as const;
    };
    const { tree: acceptedTree } = await composeTree(deps, {
      taskId,
      baseTree,
      headTree,
      units: new Map<string, 'all' | ReadonlySet<string>>([
        hunks('text.txt', 0, 2),
        hunks('crlf.txt', 0),
        hunks('mode-and-text.sh', 0),
        hunks('deleted.txt', 0),
        hunks('link', 0),
        hunks('new\n"quoted" ü', 0),
        ['mode.sh', 'all'],
      ]),
    });
    const base = contents(repo, baseTree);
    delete base['deleted.txt'];
    assert.deepEqual(contents(repo, acceptedTree), {
      ...base,
      'text.txt': '100644 ONE\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten',
      'crlf.txt': '100644 \xef\xbb\xbfone\r\nTWO\n',
      'mode-and-text.sh': '100644 run\nmore\n',
      link: '120000 other.txt',
      'new\n"quoted" ü': '100644 new\n',
      'mode.sh': '100755 run\n',
    });
    assert.equal(git(repo, ['fsck', '--strict', '--no-dangling']), '');
  });

  it('takes the mode of a file without its text, by the unit of the whole file', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree, repo } = await makeProposal(folder.path, BASE, HEAD);
    const changes = await listChanges(deps, taskId, baseTree, headTree);
    const { whole = '' } = changes.find((change) => change.path === 'mode-and-text.sh') ?? {};
    const units = new Map([['mode-and-text.sh', new Set([whole])]]);
    const { tree } = await composeTree(deps, { taskId, baseTree, headTree, units });
    assert.equal(contents(repo, tree)['mode-and-text.sh'], '100755 run\n');
  });

  for (const [what, units, expected] of [
    ['a path that is not changed', [['untouched', 'all']], 'bad_request'],
    ['a unit of a binary file that is not there', [['binary', new Set(['x'])]], 'revision_changed'],
    ['a hunk that is not there', [['text.txt', new Set(['x'])]], 'revision_changed'],
    ['a file below one that stays', [['was-file/now.txt', 'all']], 'bad_request'],
  ] as [string, [string, 'all' | Set<string>][], string][]) {
    it(`refuses ${what}`, async () => {
      using folder = temporaryFolder();
      const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, BASE, HEAD);
      const selected = { taskId, baseTree, headTree, units: new Map(units) };
      await assert.rejects(composeTree(deps, selected), code(expected));
    });
  }

  it('drops what is not there any more where decisions are carried to another revision', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, BASE, HEAD);
    const units = new Map([
      ['untouched', new Set(['x'])],
      ['text.txt', new Set(['y'])],
    ]);
    const { tree } = await composeTree(deps, { taskId, baseTree, headTree, units, isCarried: true });
    assert.equal(tree, baseTree);
  });

  it('refuses a file in the place of a folder that keeps files', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree } = await makeProposal(
      folder.path,
      { 'dir/a': 'a\n', 'dir/b': 'b\n' },
      { dir: 'a file now\n' },
    );
    const decision = { taskId, baseTree, headTree };
    const units = new Map<string, 'all'>([
      ['dir', 'all'],
      ['dir/a', 'all'],
    ]);
    await assert.rejects(composeTree(deps, { ...decision, units }), code('bad_request'));
    units.set('dir/b', 'all');
    assert.equal((await composeTree(deps, { ...decision, units })).tree, headTree);
  });

  it('leaves submodules of the base in place, whatever the proposal made of them', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, repo } = await makeProposal(folder.path, { 'a.txt': 'a\n' }, {});
    const entry = (oid: string) => `160000 commit ${oid.repeat(40)}\tsub\n`;
    const file = git(repo, ['rev-parse', `${baseTree}:a.txt`]);
    const withSub = git(repo, ['mktree', '--missing'], `100644 blob ${file}\ta.txt\n${entry('1')}`);
    const moved = git(repo, ['mktree', '--missing'], entry('2'));
    const changes = await listChanges(deps, taskId, withSub, moved);
    assert.deepEqual(
      changes.map(({ path: name }) => name),
      ['a.txt'],
    );
    const { tree: acceptedTree } = await composeTree(deps, {
      taskId,
      baseTree: withSub,
      headTree: moved,
      units: new Map([['a.txt', 'all' as const]]),
    });
    assert.deepEqual(listing(repo, acceptedTree), { sub: `160000 ${'1'.repeat(40)}` });
  });
});
