import assert from 'node:assert/strict';
import { AppError } from '../../../server/errors.ts';
import { composeTree } from '../../../server/repo/compose-tree.ts';
import { editFile } from '../../../server/repo/edit-file.ts';
import { textsAt } from '../../../server/repo/texts-at.ts';
import { contents, type Files, git, makeProposal, temporaryFolder } from './repositories.ts';

const BASE: Files = {
  'a.sh': { exec: 'run\n' },
  'deleted.txt': 'gone\n',
  'folder/inner.txt': 'inner\n',
  'plain.txt': 'one\r\n',
  link: { link: 'plain.txt' },
};
const HEAD: Files = {
  'deleted.txt': null,
  'plain.txt': { exec: 'two\r\n' },
  'ü "new"\n.txt': 'new\n',
};

async function open(base = BASE, head = HEAD) {
  const folder = temporaryFolder();
  const made = await makeProposal(folder.path, base, head);
  const { deps, taskId, baseTree, headTree, repo } = made;
  /** What the edit changes of the proposal, as `mode content`; undefined for what it takes away. */
  const edited = async (path: string, content: string | Uint8Array | null) => {
    const data = content === null ? null : Buffer.from(content);
    const tree = await editFile(deps, taskId, { baseTree, headTree, path, content: data });
    const [before, after] = [contents(repo, headTree), contents(repo, tree)];
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return Object.fromEntries(
      [...names].filter((name) => before[name] !== after[name]).map((name) => [name, after[name]]),
    );
  };
  return { folder, edited, ...made };
}

describe('an edited file of a proposal', () => {
  it('has the bytes that it was given, and the mode that it had', async () => {
    const { folder, edited } = await open();
    using _folder = folder;
    assert.deepEqual(await edited('plain.txt', 'three\r\n'), { 'plain.txt': '100755 three\r\n' });
    assert.deepEqual(await edited('a.sh', ''), { 'a.sh': '100755 ' });
    assert.deepEqual(await edited('deleted.txt', 'back\n'), { 'deleted.txt': '100644 back\n' });
    const bytes = Uint8Array.from([0, 255, 13, 10]);
    assert.deepEqual(await edited('x/y/\\z.bin', bytes), { 'x/y/\\z.bin': '100644 \0\xff\r\n' });
    assert.deepEqual(await edited('plain.txt', 'two\r\n'), {}, 'what is there already is no edit');
  });

  it('is as in the base where it is taken back', async () => {
    const { folder, edited } = await open();
    using _folder = folder;
    assert.deepEqual(await edited('plain.txt', null), { 'plain.txt': '100644 one\r\n' });
    assert.deepEqual(await edited('deleted.txt', null), { 'deleted.txt': '100644 gone\n' });
    const name = 'ü "new"\n.txt';
    assert.deepEqual(await edited(name, null), { [name]: undefined });
    assert.deepEqual(await edited('link', null), {});
    assert.deepEqual(await edited('nowhere', null), {});
  });

  it('is not what has no text, or would push others away', async () => {
    const { folder, edited } = await open();
    using _folder = folder;
    const refused = (path: string, content: string | null) =>
      assert.rejects(
        edited(path, content),
        (error) => error instanceof AppError && error.code === 'bad_request',
      );
    await refused('link', 'text');
    await refused('folder', 'text');
    await refused('folder', null);
    await refused('plain.txt/below', 'text');
    await refused('x/.GIT /config', 'text');
    await refused('x/git~1/config', 'text');
  });
});

describe('texts at a tree', () => {
  it('are those of the named paths: nothing where nothing is, undefined for what is no text', async () => {
    const { folder, deps, taskId, headTree } = await open(BASE, { ...HEAD, binary: Uint8Array.from([0]) });
    using _folder = folder;
    const names = ['plain.txt', 'ü "new"\n.txt', 'deleted.txt', 'folder', '*', 'binary', 'plain.txt/x'];
    assert.deepEqual(Object.fromEntries(await textsAt(deps, taskId, headTree, names)), {
      'plain.txt': 'two\r\n',
      'ü "new"\n.txt': 'new\n',
      'deleted.txt': '',
      folder: '',
      '*': '',
      binary: undefined,
      'plain.txt/x': '',
    });
    assert.deepEqual(await textsAt(deps, taskId, headTree, []), new Map());
  });
});

describe('decisions carried to another revision', () => {
  it('leave out a file for which there is no place, and have the others', async () => {
    const { folder, deps, taskId, baseTree, headTree, repo } = await open(
      { 'was-dir/inner.txt': 'inner\n', 'other.txt': 'one\n' },
      { 'was-dir': 'a file now\n', 'other.txt': 'two\n' },
    );
    using _folder = folder;
    const units = new Map([
      ['was-dir', 'all' as const],
      ['other.txt', 'all' as const],
    ]);
    const { tree, leftOut } = await composeTree(deps, { taskId, baseTree, headTree, units, isCarried: true });
    assert.deepEqual(leftOut, [{ path: 'was-dir', needs: 'was-dir/inner.txt' }]);
    assert.deepEqual(git(repo, ['diff', '--name-only', baseTree, tree]), 'other.txt');
  });
});
