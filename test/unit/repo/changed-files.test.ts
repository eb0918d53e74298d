import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createChangedFiles } from '../../../server/repo/changed-files.ts';
import { listChanges } from '../../../server/repo/changes.ts';
import type { Git } from '../../../server/repo/git.ts';
import type { RepoDeps } from '../../../server/repo/repository.ts';
import { type Files, git, makeProposal, temporaryFolder } from './repositories.ts';

/** What the review says, as events carry it. */
async function reviewed(deps: RepoDeps, taskId: string, baseTree: string, headTree: string) {
  const changes = await listChanges(deps, taskId, baseTree, headTree);
  return changes.map(({ path, status, binary, additions, deletions }) => ({
    path,
    status,
    binary,
    additions,
    deletions,
  }));
}

/** `deps` whose Git notes what it ran. */
function noted(deps: RepoDeps): { deps: RepoDeps; ran: string[] } {
  const ran: string[] = [];
  const run: Git = (args, options) => {
    ran.push(args[0] ?? '');
    return deps.git(args, options);
  };
  return { deps: { ...deps, git: run }, ran };
}

/** The entries of one folder as a tree. */
function treeOf(repo: string, files: Record<string, { mode: string; content: string | Uint8Array }>): string {
  const entries = Object.entries(files).map(([name, { mode, content }]) => {
    const oid = git(repo, ['hash-object', '-w', '--stdin'], content);
    return `${mode} blob ${oid}\t${name}\n`;
  });
  return git(repo, ['mktree'], entries.join(''));
}

const BASE: Files = { 'a.txt': 'one\ntwo\nthree\n', 'b.txt': 'b\n', binary: Uint8Array.from([0, 1]) };
const HEAD: Files = { 'a.txt': 'one\nTWO\nthree\nfour\n', 'b.txt': null, binary: Uint8Array.from([0, 2]) };

describe('changed files', () => {
  const EXPECTED = [
    { path: 'a.txt', status: 'modified', binary: false, additions: 2, deletions: 1 },
    { path: 'b.txt', status: 'deleted', binary: false, additions: 0, deletions: 1 },
    { path: 'binary', status: 'modified', binary: true, additions: 0, deletions: 0 },
  ];

  it('are read with one process, and none where every pair of contents was seen before', async () => {
    using folder = temporaryFolder();
    const made = await makeProposal(folder.path, BASE, HEAD);
    git(made.repo, ['repack', '-adq']);
    const { deps, ran } = noted(made.deps);
    const changedFiles = createChangedFiles(deps);
    const first = await changedFiles(made.taskId, made.baseTree, made.headTree);
    const again = await changedFiles(made.taskId, made.baseTree, made.headTree);
    assert.deepEqual(
      { first, again, ran },
      { first: EXPECTED, again: EXPECTED, ran: ['diff-tree', 'cat-file', 'diff-tree'] },
    );
  });

  it('are read without a process where a capture has just brought a few, also of a packed file changed again', async () => {
    using folder = temporaryFolder();
    const made = await makeProposal(folder.path, BASE, HEAD);
    const { deps, ran } = noted(made.deps);
    assert.deepEqual(
      await createChangedFiles(deps)(made.taskId, made.baseTree, made.headTree),
      EXPECTED,
      'of files that are not packed',
    );
    assert.deepEqual(ran.splice(0), ['diff-tree']);

    git(made.repo, ['repack', '-adq']);
    const changedFiles = createChangedFiles(deps);
    await changedFiles(made.taskId, made.baseTree, made.headTree);
    ran.length = 0;
    const edited = git(made.repo, ['hash-object', '-w', '--stdin'], 'zero\none\ntwo\nthree\n');
    const entries = git(made.repo, ['ls-tree', made.headTree]);
    const next = git(made.repo, ['mktree'], entries.replace(/[0-9a-f]{40}(?=\ta\.txt)/, edited));
    const files = await changedFiles(made.taskId, made.baseTree, next);
    assert.deepEqual(
      { files, ran },
      {
        files: [
          { path: 'a.txt', status: 'modified', binary: false, additions: 1, deletions: 0 },
          ...EXPECTED.slice(1),
        ],
        ran: ['diff-tree'],
      },
    );
  });

  it('are asked for their sizes first where they may be too much to be read together', async () => {
    using folder = temporaryFolder();
    const made = await makeProposal(folder.path, {}, { large: 'x\n'.repeat(3 * 2 ** 20), small: 'x\n' });
    const { deps, ran } = noted(made.deps);
    assert.deepEqual(
      { files: await createChangedFiles(deps)(made.taskId, made.baseTree, made.headTree), ran },
      {
        files: [
          { path: 'large', status: 'added', binary: true, additions: 0, deletions: 0 },
          { path: 'small', status: 'added', binary: false, additions: 1, deletions: 0 },
        ],
        ran: ['diff-tree', 'cat-file', 'cat-file', 'cat-file'],
      },
    );
  });

  it('are told the same where there is room for one pair only', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, headTree } = await makeProposal(folder.path, BASE, HEAD);
    const changedFiles = createChangedFiles(deps, 1);
    const expected = await reviewed(deps, taskId, baseTree, headTree);
    assert.equal(expected.length, 3);
    assert.deepEqual(await changedFiles(taskId, baseTree, headTree), expected);
    assert.deepEqual(await changedFiles(taskId, baseTree, headTree), expected);
  });

  it('have the counts of the review, whatever was seen before', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, repo } = await makeProposal(folder.path, BASE, {});
    const changedFiles = createChangedFiles(deps);
    // Few names, contents and modes, so that the same pair comes again as another kind of change.
    const content = fc.constantFrom<(string | Uint8Array)[]>(
      '',
      'x',
      'x\n',
      'y\nx\n',
      'y\nz\nx\n',
      Uint8Array.from([0]),
    );
    const mode = fc.constantFrom('100644', '100755', '120000');
    const tree = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.record({ mode, content }), {
      noNullPrototype: true,
    });
    await fc.assert(
      fc.asyncProperty(tree, tree, async (before, after) => {
        const trees = [treeOf(repo, before), treeOf(repo, after)] as const;
        assert.deepEqual(await changedFiles(taskId, ...trees), await reviewed(deps, taskId, ...trees));
      }),
      { numRuns: 25 },
    );
  });
});
