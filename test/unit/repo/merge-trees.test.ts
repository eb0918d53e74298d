import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import fc from 'fast-check';
import { mergeTrees } from '../../../server/repo/merge-trees.ts';
import { git, gitBytes, repoDeps, temporaryFolder } from './repositories.ts';

/** What a path is in a tree: a mode, and content as bytes one a character; of a submodule its commit. */
interface Entry {
  mode: '100644' | '100755' | '120000' | '160000';
  content: string;
}
/** By path, as bytes one a character. */
type Tree = Record<string, Entry>;

const LABELS = { ours: 'ours', theirs: 'theirs' };

/** A task's empty repository, and how trees get into it and out. */
function repository(folder: string) {
  const deps = repoDeps(folder);
  const repo = path.join(deps.reposDir, 'task-1.git');
  git(folder, ['init', '--quiet', '--bare', repo]);
  const blobs = new Map<string, string>();
  const blob = (content: string): string => {
    const known = blobs.get(content);
    if (known !== undefined) return known;
    const oid = git(repo, ['hash-object', '-w', '--stdin'], Buffer.from(content, 'latin1'));
    blobs.set(content, oid);
    return oid;
  };
  let names = 0;
  return {
    repo,
    write(tree: Tree): string {
      const index = `index-${names++}`;
      const lines = Object.entries(tree).map(
        ([name, { mode, content }]) => `${mode} ${mode === '160000' ? content : blob(content)}\t${name}\0`,
      );
      const bare = ['-c', 'core.bare=false', '--work-tree=.'];
      const env = { GIT_INDEX_FILE: index };
      gitBytes(
        repo,
        [...bare, 'update-index', '-z', '--add', '--index-info'],
        Buffer.from(lines.join(''), 'latin1'),
        env,
      );
      return gitBytes(repo, ['write-tree', '--missing-ok'], undefined, env).toString().trim();
    },
    commit: (tree: string, ...parents: string[]): string =>
      git(repo, ['commit-tree', '-m', 'x', ...parents.flatMap((parent) => ['-p', parent]), tree]),
    read(tree: string): Tree {
      const listed = gitBytes(repo, ['ls-tree', '-r', '-z', '--full-tree', tree]).toString('latin1');
      return Object.fromEntries(
        listed
          .split('\0')
          .filter(Boolean)
          .map((line) => {
            const [entry = '', name = ''] = line.split('\t');
            const [mode = '', type, oid = ''] = entry.split(' ');
            const content =
              type === 'commit' ? oid : gitBytes(repo, ['cat-file', 'blob', oid]).toString('latin1');
            return [name, { mode, content } as Entry];
          }),
      );
    },
    merge: (base: string, ours: string, theirs: string) =>
      mergeTrees(deps, { taskId: 'task-1', base, ours, theirs, labels: LABELS }),
  };
}

const file = (content: string, mode: Entry['mode'] = '100644'): Entry => ({ mode, content });
const COMMITS = ['1', '2', '3'].map((digit) => digit.repeat(40));

describe('merging trees', () => {
  it('takes what either side did, and what both did where that goes together', async () => {
    using folder = temporaryFolder();
    const { write, read, merge } = repository(folder.path);
    const base: Tree = {
      'both.txt': file('one\r\ntwo\nthree\nfour\nfive'),
      'mode.sh': file('run\nand run\nand on\n'),
      'mine.txt': file('mine\n'),
      'theirs.txt': file('theirs\n'),
      'gone-mine': file('x\n'),
      'gone-theirs/inner': file('x\n'),
      'names/\xff\n"\\': file('not UTF-8\n'),
      linked: file('target', '120000'),
      'module-mine': file(String(COMMITS[0]), '160000'),
      'module-theirs': file(String(COMMITS[0]), '160000'),
      binary: file('\0\x01'),
    };
    const { 'gone-mine': _mine, ...kept } = base;
    const ours: Tree = {
      ...kept,
      'both.txt': file('ONE\r\ntwo\nthree\nfour\nfive'),
      'mode.sh': file('run\nand run\nand on\n', '100755'),
      'mine.txt': file('changed\n'),
      'module-mine': file(String(COMMITS[1]), '160000'),
      same: file('the same on both sides\n'),
    };
    const { 'gone-theirs/inner': _theirs, ...left } = base;
    const theirs: Tree = {
      ...left,
      'both.txt': file('one\r\ntwo\nthree\nfour\nFIVE\n'),
      'mode.sh': file('walk\nand run\nand on\n'),
      'theirs.txt': file('changed\n'),
      'gone-theirs': file('a file now\n'),
      'names/\xff\n"\\': file('still not\n'),
      'new/\xe9': file('new\n'),
      linked: file('elsewhere', '120000'),
      'module-theirs': file(String(COMMITS[2]), '160000'),
      'module-new': file(String(COMMITS[2]), '160000'),
      binary: file('\0\x02'),
      same: file('the same on both sides\n'),
    };
    const { tree, conflicts } = await merge(write(base), write(ours), write(theirs));
    assert.deepEqual(
      { conflicts, tree: read(tree) },
      {
        conflicts: [],
        tree: {
          'both.txt': file('ONE\r\ntwo\nthree\nfour\nFIVE\n'),
          'mode.sh': file('walk\nand run\nand on\n', '100755'),
          'mine.txt': file('changed\n'),
          'theirs.txt': file('changed\n'),
          'gone-theirs': file('a file now\n'),
          'names/\xff\n"\\': file('still not\n'),
          'new/\xe9': file('new\n'),
          linked: file('elsewhere', '120000'),
          'module-mine': file(String(COMMITS[1]), '160000'),
          'module-theirs': file(String(COMMITS[2]), '160000'),
          'module-new': file(String(COMMITS[2]), '160000'),
          binary: file('\0\x02'),
          same: file('the same on both sides\n'),
        },
      },
    );
  });

  it('marks conflicts in text, keeps ours of anything else, and lists all of them', async () => {
    using folder = temporaryFolder();
    const { write, read, merge } = repository(folder.path);
    const base: Tree = {
      'text.txt': file('one\ntwo\nthree\n'),
      binary: file('\0\x01'),
      linked: file('target', '120000'),
      module: file(String(COMMITS[0]), '160000'),
      'deleted-here': file('x\n'),
      'deleted-there': file('x\n'),
      'folder/inner': file('x\n'),
      'was-file': file('x\n'),
      '\xff.txt': file('one\n'),
      'large.txt': file('x'.repeat(5 * 2 ** 20 + 1)),
    };
    const { 'deleted-here': _here, 'was-file': _file, ...kept } = base;
    const ours: Tree = {
      ...kept,
      'text.txt': file('one\nTWO\nthree\n'),
      binary: file('\0\x02'),
      linked: file('here', '120000'),
      module: file(String(COMMITS[1]), '160000'),
      'deleted-there': file('y\n'),
      'folder/more': file('y\n'),
      'was-file/now': file('y\n'),
      '\xff.txt': file('1\n'),
      'large.txt': file('y'.repeat(5 * 2 ** 20 + 1)),
      'added.sh': file('y\n', '100755'),
    };
    const { 'deleted-there': _there, 'folder/inner': _inner, ...left } = base;
    const theirs: Tree = {
      ...left,
      'text.txt': file('one\n2\nthree\n'),
      binary: file('\0\x03'),
      linked: file('there', '120000'),
      module: file(String(COMMITS[2]), '160000'),
      'deleted-here': file('z\n'),
      folder: file('z\n'),
      'was-file': file('z\n'),
      '\xff.txt': file('2\n'),
      'large.txt': file('z'.repeat(5 * 2 ** 20 + 1)),
      'added.sh': file('y\n'),
    };
    const { tree, conflicts } = await merge(write(base), write(ours), write(theirs));
    const { 'folder/inner': _gone, ...asOurs } = ours;
    assert.deepEqual(
      { conflicts, tree: read(tree) },
      {
        conflicts: [
          'added.sh',
          'binary',
          'deleted-here',
          'deleted-there',
          'folder',
          'large.txt',
          'linked',
          'module',
          'text.txt',
          'was-file',
          '\ufffd.txt',
        ],
        tree: {
          ...asOurs,
          'text.txt': file('one\n<<<<<<< ours\nTWO\n=======\n2\n>>>>>>> theirs\nthree\n'),
          '\xff.txt': file('<<<<<<< ours\n1\n=======\n2\n>>>>>>> theirs\n'),
        },
      },
    );
  });

  it('is what Git merges, and conflicts where Git does', async () => {
    using folder = temporaryFolder();
    const { repo, write, commit, merge } = repository(folder.path);
    await fc.assert(
      fc.asyncProperty(sides, async ([base, ours, theirs]) => {
        const [from, mine, other] = [write(base), write(ours), write(theirs)];
        const root = commit(from);
        const printed = gitMerge(repo, commit(mine, root), commit(other, root));
        const { tree, conflicts } = await merge(from, mine, other);
        assert.deepEqual(conflicts, printed.conflicts);
        if (conflicts.length === 0) assert.equal(tree, printed.tree);
      }),
      { numRuns: 100 },
    );
  }).timeout(120_000);
});

/** What Git makes of it. */
function gitMerge(repo: string, ours: string, theirs: string): { tree: string; conflicts: string[] } {
  const args = [
    '-c',
    'merge.directoryRenames=false',
    'merge-tree',
    '--write-tree',
    '--name-only',
    '--no-messages',
    '-z',
  ];
  const { stdout } = spawnSync('git', [...args, ours, theirs], { cwd: repo });
  const [tree = '', ...paths] = stdout.toString().split('\0').filter(Boolean);
  // Where types differ, Git puts one side beside the other.
  return { tree, conflicts: [...new Set(paths.map((name) => name.replace(/~[0-9a-f]{40}$/, '')))].sort() };
}

const PATHS = ['a', 'dir/b', 'dir/\xfcc', 'dir/deep/d d', '"\\\n'];
/** Unlike those of another path, or Git takes one for the other renamed. */
const linesOf = (name: string) => Array.from({ length: 12 }, (_, index) => `${name.length} ${index}\n`);

/** Some of the lines replaced, some taken out, some added. */
const text = (name: string) =>
  fc
    .array(fc.tuple(fc.nat(11), fc.constantFrom('', 'new\n', 'newer\n', 'one\ntwo\n')), { maxLength: 2 })
    .map((edits) => edits.reduce((lines, [at, line]) => lines.with(at, line), linesOf(name)).join(''));
const entry = (name: string) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ mode: fc.constantFrom('100644', '100755'), content: text(name) }) },
    fc.record({ mode: fc.constant('100644'), content: fc.constantFrom(`\0${name}`, `\0${name}${name}`, '') }),
    fc.record({ mode: fc.constant('120000'), content: fc.constantFrom(name, `to ${name}`) }),
  ) as fc.Arbitrary<Entry>;
const tree = fc.record(Object.fromEntries(PATHS.map((name) => [name, entry(name)])), {
  requiredKeys: [],
  noNullPrototype: true,
}) as fc.Arbitrary<Tree>;
/** Each side is the base with some of its paths as another tree has them. */
const side = fc.tuple(tree, fc.uniqueArray(fc.constantFrom(...PATHS)));
const sides = fc.tuple(tree, side, side).map(([base, ours, theirs]): [Tree, Tree, Tree] => {
  const made = ([other, paths]: [Tree, string[]]): Tree => {
    const entries = PATHS.flatMap((name) => {
      const chosen = (paths.includes(name) ? other : base)[name];
      return chosen === undefined ? [] : [[name, chosen] as const];
    });
    return Object.fromEntries(entries);
  };
  return [base, made(ours), made(theirs)];
});
