import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { type Rewritten, rewrittenTree } from '../../../server/repo/rewritten-tree.ts';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { captureProposal, checkoutInto } from '../../../server/repo/workspace.ts';
import { directorySandbox } from './directory-sandbox.ts';
import { type Files, git, makeClone, repoDeps, temporaryFolder, writeFiles } from './repositories.ts';

const BASE: Files = {
  'a.txt': 'one\n',
  'bin/run': { exec: '#!/bin/sh\n' },
  'src/deep/b.ts': 'two\r\n',
  'new\nline "quoted" ü *': 'odd\n',
  link: { link: 'a.txt' },
  'ignored/tracked.txt': 'kept\n',
  'GITMOD~1': 'kept\n',
  'GI7EBA~1': 'kept\n',
  '.git\u200cmodules': 'kept\n',
  'git.txt': 'kept\n',
  '.gitignore': 'ignored/\n',
  '.gitattributes': '*.txt text eol=crlf\n',
};
const TEXTS = ['a.txt', 'bin/run', 'src/deep/b.ts', 'new\nline "quoted" ü *'];

async function started(folder: string) {
  const deps = repoDeps(folder);
  const { url, commit } = makeClone(folder, BASE);
  const taskId = 'task-1';
  const { baseTree } = await prepareSource(deps, { taskId, source: { url, commit, overlay: [] } });
  const sandbox = directorySandbox(folder);
  const bundle = await startBundle(deps, taskId);
  await checkoutInto(sandbox, { taskId, bundle, branch: 'main' });
  const repo = path.join(deps.reposDir, `${taskId}.git`);
  /** Writes it, and says what that was. */
  const rewrite = (name: string, after: Uint8Array): Rewritten => {
    const file = path.join(sandbox.workdir, name);
    const before = readFileSync(file);
    writeFileSync(file, after);
    return { path: name, before, after };
  };
  const capture = async (previousTree: string, seenTree?: string) =>
    (await captureProposal(deps, sandbox, { taskId, previousTree, seenTree })).headTree;
  const worked = (from: string, files: readonly Rewritten[]) => rewrittenTree(deps, taskId, from, files);
  return { repo, sandbox, baseTree, rewrite, capture, worked };
}

describe('a tree of rewritten files', () => {
  it('is what a capture finds, also of the same file several times', async function () {
    this.timeout(120_000);
    using folder = temporaryFolder();
    const { rewrite, capture, worked, baseTree } = await started(folder.path);
    let tree = baseTree;
    let seen = baseTree;
    const step = fc.array(fc.tuple(fc.constantFrom(...TEXTS), fc.uint8Array({ maxLength: 40 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(step, fc.boolean(), async (writes, isLooked) => {
        tree =
          (await worked(
            tree,
            writes.map(([name, data]) => rewrite(name, data)),
          )) ?? 'none';
        if (!isLooked) return;
        seen = await capture(tree, seen);
        assert.equal(seen, tree);
      }),
      { numRuns: 40 },
    );
    // What the machine has never heard of is no hindrance: it was worked out in the relay, several times over.
    rewrite('a.txt', Buffer.from('last\n'));
    writeFiles(folder.path, { 'workspace/new.txt': 'new\n' });
    assert.notEqual(await capture(tree, seen), tree);
    assert.notEqual(await capture(tree), tree);
  });

  it('is kept as a captured one', async () => {
    using folder = temporaryFolder();
    const { repo, rewrite, worked, baseTree } = await started(folder.path);
    const tree = await worked(baseTree, [rewrite('bin/run', Buffer.from('exit\n'))]);
    assert.equal(git(repo, ['rev-parse', `refs/handoff/proposal/${tree}^{tree}`]), tree);
    assert.match(git(repo, ['ls-tree', String(tree), 'bin/run']), /^100755 blob /);
  });

  it('is none where the workspace has to be looked at', async () => {
    using folder = temporaryFolder();
    const { worked, baseTree } = await started(folder.path);
    const file = (name: string, before: string): Rewritten => ({
      path: name,
      before: Buffer.from(before),
      after: Buffer.from('after\n'),
    });
    const nothing = [
      file('a.txt', 'changed meanwhile\n'),
      file('none.txt', ''),
      file('link', 'one\n'),
      file('link', 'a.txt'),
      file('a.txt/below', 'one\n'),
      file('src', ''),
      file('../a.txt', 'one\n'),
      file('/a.txt', 'one\n'),
      file('.gitattributes', '*.txt text eol=crlf\n'),
      ...['GITMOD~1', 'GI7EBA~1', '.git\u200cmodules', 'git.txt'].map((name) => file(name, 'kept\n')),
    ];
    for (const one of nothing) {
      assert.equal(await worked(baseTree, [one]), undefined, one.path);
      assert.equal(await worked(baseTree, [file('a.txt', 'one\n'), one]), undefined, one.path);
    }
  });
});
