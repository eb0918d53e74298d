import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { applyTree } from '../../../server/cli/apply-tree.ts';
import { listChanges, readBlob } from '../../../server/repo/changes.ts';
import { type Files, git, makeProposal, temporaryFolder } from '../repo/repositories.ts';

describe('applying a task to a working tree', () => {
  /** A proposal in a relay's repository, and the person's clone of its base; both real. */
  async function setUp(folder: string, base: Files, head: Files) {
    const { deps, taskId, baseTree, headTree, clone, baseCommit } = await makeProposal(folder, base, head);
    git(clone, ['reset', '--quiet', '--hard', baseCommit]);
    const client = {
      changes: async () => ({
        ...{ revision: 1, baseTree, headTree },
        files: await listChanges(deps, taskId, baseTree, headTree),
      }),
      blob: (_taskId: string, oid: string) => readBlob(deps, taskId, oid),
    };
    const at = (name: string) => path.join(clone, name);
    return {
      clone,
      at,
      read: (name: string) => readFileSync(at(name), 'latin1'),
      index: () => readFileSync(at('.git/index')),
      apply: () => applyTree(client, { taskId, toplevel: clone }),
    };
  }

  it('writes, deletes, links and changes modes as the task did, beside what the person has done', async () => {
    using folder = temporaryFolder();
    const lines = (change: Record<number, string>) =>
      Array.from({ length: 9 }, (_, line) => `${change[line] ?? line}\n`).join('');
    const { clone, at, read, index, apply } = await setUp(
      folder.path,
      {
        ...{ edited: lines({}), gone: 'x\n', 'sub/deep/gone': 'x\n', run: 'run\n', 'was-file': 'x\n' },
        ...{
          target: { link: 'a' },
          'file-then-folder': 'x\n',
          'folder/inner': 'x\n',
          latin: Buffer.from('\xe9\n', 'latin1'),
        },
      },
      {
        ...{ edited: lines({ 1: 'task' }), gone: null, 'sub/deep/gone': null, run: { exec: 'run\n' } },
        ...{ 'was-file': { link: 'run' }, target: { link: 'b' }, 'new/file': 'no newline', empty: '' },
        ...{ 'file-then-folder': null, 'file-then-folder/x': 'x\n', 'folder/inner': null, folder: 'file\n' },
        latin: Buffer.from('\xe9\n\xff\0', 'latin1'),
      },
    );
    writeFileSync(at('edited'), lines({ 7: 'mine' }));
    writeFileSync(at('unrelated'), 'mine\n');
    const before = index();
    const { changed, ...rest } = await apply();
    assert.deepEqual([changed.length, rest, index().equals(before)], [13, { same: [], conflicts: [] }, true]);
    assert.deepEqual(
      {
        edited: read('edited'),
        link: readlinkSync(at('was-file')),
        target: readlinkSync(at('target')),
        mode: lstatSync(at('run')).mode & 0o777,
        made: [read('new/file'), read('empty'), read('file-then-folder/x'), read('folder'), read('latin')],
        mine: read('unrelated'),
      },
      {
        edited: lines({ 1: 'task', 7: 'mine' }),
        link: 'run',
        target: 'b',
        mode: 0o755,
        made: ['no newline', '', 'x\n', 'file\n', '\xe9\n\xff\0'],
        mine: 'mine\n',
      },
    );
    assert.equal(
      git(clone, ['status', '--porcelain', '--', 'gone', 'sub']),
      'D gone\n D sub/deep/gone'.trim(),
    );
    assert.throws(() => lstatSync(at('sub')), { code: 'ENOENT' });
    const again = await apply();
    assert.deepEqual([again.changed, again.conflicts], [[], []]);
  });

  it('puts both sides between markers, keeps what cannot be merged, and names each', async () => {
    using folder = temporaryFolder();
    const { at, read, apply } = await setUp(
      folder.path,
      { both: 'base\n', mine: 'base\n', theirs: 'base\n', binary: 'a\0', blocked: 'base\n' },
      { both: 'task\n', mine: null, theirs: 'task\n', binary: 'b\0', blocked: 'task\n', 'way/in': 'new\n' },
    );
    writeFileSync(at('both'), 'person\n');
    writeFileSync(at('mine'), 'person\n');
    rmSync(at('theirs'));
    writeFileSync(at('binary'), 'c\0');
    rmSync(at('blocked'));
    mkdirSync(at('blocked/by'), { recursive: true });
    symlinkSync('/tmp', at('way'));
    assert.deepEqual(await apply(), {
      changed: [],
      same: [],
      conflicts: [
        { path: 'mine', why: 'left as it is: you changed it, the task deleted it' },
        { path: 'binary', why: 'left as it is: both of you changed it, and it is no text' },
        { path: 'blocked', why: 'left as it is: something else is in its place' },
        { path: 'both', why: 'conflict markers: 1' },
        { path: 'theirs', why: 'left as it is: you deleted it, the task changed it' },
        { path: 'way/in', why: 'left as it is: something else is in its place' },
      ],
    });
    assert.deepEqual(
      [read('both'), read('mine'), read('binary')],
      ['<<<<<<< your files\nperson\n=======\ntask\n>>>>>>> Handoff\n', 'person\n', 'c\0'],
    );
    const again = await apply();
    assert.deepEqual(
      again.conflicts.find(({ path }) => path === 'both'),
      { path: 'both', why: 'left as it is: it has conflicts that are not resolved' },
    );
    assert.equal(read('both'), '<<<<<<< your files\nperson\n=======\ntask\n>>>>>>> Handoff\n');
    assert.throws(() => lstatSync('/tmp/in'), { code: 'ENOENT' });
  });

  it('keeps the line ends and encodings that Git converts, and other permissions', async () => {
    using folder = temporaryFolder();
    const { clone, at, read, apply } = await setUp(
      folder.path,
      {
        '.gitattributes': '*.txt text eol=crlf\n*.u16 text working-tree-encoding=UTF-16LE\n',
        'a.txt': 'a\nb\nc\n',
        'b.u16': 'x\n',
        raw: 'a\r\nb\n',
      },
      { 'a.txt': 'A\nb\nc\n', 'b.u16': 'y\n', raw: 'a\r\nB\n', 'new.txt': 'one\ntwo\n' },
    );
    rmSync(path.join(clone, '.git/info/attributes'));
    writeFileSync(at('a.txt'), 'a\r\nb\r\nmine\r\n');
    writeFileSync(at('b.u16'), Buffer.from('x\n', 'utf16le'));
    chmodSync(at('a.txt'), 0o600);
    assert.deepEqual((await apply()).conflicts, []);
    assert.deepEqual(
      [read('a.txt'), readFileSync(at('b.u16')).toString('utf16le'), read('raw'), read('new.txt')],
      ['A\r\nb\r\nmine\r\n', 'y\n', 'a\r\nB\n', 'one\r\ntwo\r\n'],
    );
    assert.equal(lstatSync(at('a.txt')).mode & 0o777, 0o600);
  });

  it('writes a file whole or not at all, and leaves nothing beside it', async () => {
    using folder = temporaryFolder();
    const { clone, apply } = await setUp(
      folder.path,
      { a: 'a\n' },
      { a: 'b\n', '-rf': 'x\n', 'line\nbreak': 'x\n' },
    );
    await apply();

    assert.deepEqual(readdirSync(clone).toSorted(), ['-rf', '.git', 'a', 'first.txt', 'line\nbreak']);
  });
});
