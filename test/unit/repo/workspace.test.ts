import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../../server/errors.ts';
import { prepareSource, startBundle } from '../../../server/repo/source.ts';
import { captureProposal, checkoutInto } from '../../../server/repo/workspace.ts';
import type { Sandbox } from '../../../server/sandbox/sandbox.ts';
import { directorySandbox } from './directory-sandbox.ts';
import {
  contents,
  type Files,
  git,
  gitBytes,
  listing,
  makeClone,
  repoDeps,
  temporaryFolder,
  writeFiles,
} from './repositories.ts';

/** A task whose base is `files`, in a sandbox that has been filled. */
async function started(folder: string, files: Files) {
  const deps = repoDeps(folder);
  const { clone, commit, url } = makeClone(folder, files);
  const taskId = 'task-1';
  const { baseTree } = await prepareSource(deps, { taskId, source: { url, commit, overlay: [] } });
  const sandbox = directorySandbox(folder);
  const bundle = await startBundle(deps, taskId);
  await checkoutInto(sandbox, { taskId: 'task-1', bundle, branch: 'main' });
  const capture = (previousTree = baseTree) => captureProposal(deps, sandbox, { taskId, previousTree });
  const repo = path.join(deps.reposDir, `${taskId}.git`);
  return { deps, taskId, clone, baseTree, sandbox, bundle, capture, repo, workdir: sandbox.workdir };
}

const BASE: Files = {
  'a.txt': 'one\ntwo\n',
  'crlf.txt': 'one\r\ntwo\r\n',
  'bin/run': { exec: '#!/bin/sh\n' },
  link: { link: 'a.txt' },
  'ident.txt': '$Id$\n',
  binary: Uint8Array.from([0, 1, 255, 13, 10]),
  empty: '',
  'new\nline "quoted" ü': 'odd\n',
  '-dash': 'dash\n',
  '.gitattributes': '*.txt text eol=lf ident filter=evil working-tree-encoding=UTF-16\n',
  '.gitignore': 'ignored/\n',
};

describe('workspace', () => {
  it('holds the base byte for byte, whatever .gitattributes asks for', async () => {
    using folder = temporaryFolder();
    const { workdir, sandbox } = await started(folder.path, BASE);
    for (const name of ['crlf.txt', 'ident.txt', 'binary', 'empty', '-dash', 'new\nline "quoted" ü']) {
      const expected = BASE[name];
      const bytes = typeof expected === 'string' ? Buffer.from(expected) : expected;
      assert.deepEqual(
        { name, bytes: readFileSync(path.join(workdir, name)) },
        { name, bytes: Buffer.from(bytes as Uint8Array) },
      );
    }
    assert.equal(lstatSync(path.join(workdir, 'link')).isSymbolicLink(), true);
    assert.equal(statSync(path.join(workdir, 'bin/run')).mode & 0o111, 0o111);
    assert.deepEqual(
      {
        status: git(workdir, ['status', '--porcelain']),
        branch: git(workdir, ['symbolic-ref', 'HEAD']),
        commits: git(workdir, ['rev-list', '--count', '--all']),
        remotes: git(workdir, ['remote']),
        credentials: git(workdir, ['config', '--list', '--local']).includes('credential'),
        scratch: readdirSync(sandbox.scratchdir),
      },
      {
        status: '',
        branch: 'refs/heads/main',
        commits: '1',
        remotes: '',
        credentials: false,
        scratch: ['capture.git'],
      },
    );
  });

  it('is filled once: a repetition leaves the agent’s work alone', async () => {
    using folder = temporaryFolder();
    const { workdir, sandbox, bundle } = await started(folder.path, BASE);
    writeFiles(workdir, { 'a.txt': 'agent\n', 'crlf.txt': null });
    await checkoutInto(sandbox, { taskId: 'task-1', bundle, branch: 'main' });
    assert.equal(readFileSync(path.join(workdir, 'a.txt'), 'utf8'), 'agent\n');
    assert.equal(existsSync(path.join(workdir, 'crlf.txt')), false);
    assert.deepEqual(readdirSync(sandbox.scratchdir), ['capture.git']);
  });

  it('is filled completely after an attempt that died halfway', async () => {
    using folder = temporaryFolder();
    const { workdir, sandbox, bundle, capture, baseTree } = await started(folder.path, BASE);
    rmSync(path.join(sandbox.scratchdir, 'capture.git/handoff-ready'));
    writeFiles(workdir, { '.git/HEAD': 'cut off', 'a.txt': 'cut o', binary: null });
    writeFileSync(path.join(sandbox.scratchdir, 'capture.git/index.lock'), '');
    await checkoutInto(sandbox, { taskId: 'task-1', bundle, branch: 'main' });
    assert.equal(git(workdir, ['status', '--porcelain']), '');
    assert.deepEqual(await capture(), { headTree: baseTree });
  });

  it('refuses a branch that could be an option or is none', async () => {
    using folder = temporaryFolder();
    const sandbox = directorySandbox(folder.path);
    for (const branch of ['-x', 'a..b', 'a b', '', 'x.lock', 'a//b', '@', 'refs/../x', 'a\nb', '.hidden']) {
      await assert.rejects(checkoutInto(sandbox, { taskId: 't1', bundle: new Uint8Array(), branch }), {
        name: 'AppError',
        code: 'bad_request',
      });
    }
    assert.deepEqual(sandbox.started, []);
  });
});

describe('capture', () => {
  it('answers the base, with one command and no pack, while nothing has changed', async () => {
    using folder = temporaryFolder();
    const { sandbox, capture, baseTree } = await started(folder.path, BASE);
    const before = sandbox.started.length;
    assert.deepEqual(await capture(), { headTree: baseTree });
    assert.deepEqual(
      [sandbox.started.length - before, readdirSync(sandbox.scratchdir)],
      [1, ['capture.git']],
    );
  });

  it('brings every kind of change into the task’s repository, byte for byte', async () => {
    using folder = temporaryFolder();
    const { workdir, capture, baseTree, repo } = await started(folder.path, BASE);
    writeFiles(workdir, {
      'a.txt': 'one\r\nTWO',
      'crlf.txt': null,
      'bin/run': '#!/bin/sh\n',
      link: { link: '/etc/passwd' },
      binary: Uint8Array.from([0, 254]),
      'deep/er/new.txt': '',
      'ignored/by.txt': 'x',
      'odd\n"name" ü': { exec: '$Id$\r\n' },
    });
    const { headTree } = await capture();
    const base = contents(repo, baseTree);
    delete base['crlf.txt'];
    assert.deepEqual(contents(repo, headTree), {
      ...base,
      'a.txt': '100644 one\r\nTWO',
      'bin/run': '100644 #!/bin/sh\n',
      link: '120000 /etc/passwd',
      binary: '100644 \0\u00fe',
      'deep/er/new.txt': '100644 ',
      'odd\n"name" ü': '100755 $Id$\r\n',
    });
    assert.equal(readFileSync(path.join(repo, `refs/handoff/proposal/${headTree}`), 'utf8'), `${headTree}\n`);
    assert.equal(git(repo, ['fsck', '--strict', '--no-dangling']), '');
  });

  it('goes on from capture to capture, and says the same twice', async () => {
    using folder = temporaryFolder();
    const { workdir, capture, repo } = await started(folder.path, BASE);
    writeFiles(workdir, { 'a.txt': 'first\n' });
    const first = await capture();
    assert.deepEqual(await capture(), first, 'repeated with the older tree, as after a crash');
    writeFiles(workdir, { 'a.txt': 'second\n' });
    const second = await capture(first.headTree);
    assert.deepEqual(await capture(second.headTree), second);
    assert.equal(contents(repo, second.headTree)['a.txt'], '100644 second\n');
    writeFiles(workdir, { 'a.txt': 'one\ntwo\n' });
    const back = await capture(second.headTree);
    assert.deepEqual(
      listing(repo, back.headTree),
      listing(repo, git(repo, ['rev-parse', 'refs/handoff/base^{tree}'])),
    );
  });

  it('works in a replaced sandbox that never saw the previous tree', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, workdir, capture, bundle, repo } = await started(folder.path, BASE);
    writeFiles(workdir, { 'a.txt': 'before the loss\n' });
    const { headTree: previousTree } = await capture();
    const replaced = directorySandbox(path.join(folder.path, 'other'));
    await checkoutInto(replaced, { taskId: 'task-1', bundle, branch: 'main' });
    writeFiles(replaced.workdir, { 'b.txt': 'after the loss\n' });
    const { headTree } = await captureProposal(deps, replaced, { taskId, previousTree });
    assert.equal(contents(repo, headTree)['b.txt'], '100644 after the loss\n');
  });

  it('sees a change that alters neither a file’s size nor the second on the clock', async () => {
    using folder = temporaryFolder();
    const { workdir, capture, baseTree, repo } = await started(folder.path, BASE);
    let headTree = baseTree;
    for (const word of ['ONE', 'eno', 'ENO', 'one', 'xyz']) {
      writeFiles(workdir, { 'a.txt': `${word}\ntwo\n` });
      ({ headTree } = await capture(headTree));
      assert.equal(contents(repo, headTree)['a.txt'], `100644 ${word}\ntwo\n`);
    }
  });

  it('takes an empty workspace for what it is', async () => {
    using folder = temporaryFolder();
    const { workdir, capture, repo } = await started(folder.path, BASE);
    for (const name of readdirSync(workdir)) rmSync(path.join(workdir, name), { recursive: true });
    const { headTree } = await capture();
    assert.deepEqual(listing(repo, headTree), {});
  });

  it('takes nothing unsound from a sandbox that lies', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, sandbox, baseTree, repo } = await started(folder.path, BASE);
    const evil = path.join(folder.path, 'evil.git');
    git(folder.path, ['init', '--quiet', '--bare', evil]);
    const file = git(evil, ['hash-object', '-w', '--stdin'], 'x');
    const hooks = git(evil, ['mktree'], `100755 blob ${file}\tpost-checkout\n`);
    const missing = '7'.repeat(40);
    const trees = {
      'a .git entry': git(evil, ['mktree'], `040000 tree ${hooks}\t.git\n`),
      'a missing file': git(evil, ['mktree', '--missing'], `100644 blob ${missing}\tx\n`),
      'a file for a tree': file,
      'a commit for a tree': git(evil, ['commit-tree', '-m', 'x', hooks]),
    };
    for (const [what, tree] of Object.entries(trees)) {
      const pack = gitBytes(evil, ['pack-objects', '--quiet', '--stdout'], `${tree}\n${file}\n${hooks}\n`);
      for (const [told, sent] of [
        [tree, pack],
        [missing, pack],
        [tree, pack.subarray(0, 40)],
        [tree, new Uint8Array()],
      ] as const) {
        const output = { head: Buffer.from(`${told} pack\n`), tail: new Uint8Array(), omittedBytes: 0 };
        const lying: Sandbox = {
          ...sandbox,
          exec: async () => ({ exitCode: 0, reason: 'exit', stdout: output, stderr: output, durationMs: 1 }),
          getScratch: async () => sent,
        };
        const lie = captureProposal(deps, lying, { taskId, previousTree: baseTree });
        await assert.rejects(lie, { name: 'AppError', code: 'sandbox_unavailable' }, what);
      }
    }
    assert.equal(existsSync(path.join(repo, 'refs/handoff/proposal')), false);
  });

  it('takes thousands of files at once', async () => {
    using folder = temporaryFolder();
    const { workdir, capture, repo } = await started(folder.path, BASE);
    writeFiles(
      workdir,
      Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`many/${n}.txt`, `file ${n}\n`])),
    );
    const { headTree } = await capture();
    assert.equal(Object.keys(listing(repo, headTree)).length, Object.keys(BASE).length + 1 + 500);
  });

  for (const [what, spoil] of [
    ['removed', (dir: string) => rmSync(path.join(dir, '.git'), { recursive: true })],
    ['made a file', (dir: string) => writeFiles(dir, { '.git': 'gitdir: /nowhere\n' })],
    [
      'committed to',
      (dir: string) => git(dir, ['commit', '--quiet', '--all', '--allow-empty', '-m', 'by the agent']),
    ],
    ['locked', (dir: string) => writeFiles(dir, { '.git/index.lock': '', '.git/index': 'broken' })],
    [
      'given a filter',
      (dir: string) => {
        git(dir, ['config', 'filter.evil.clean', 'sed s/agent/evil/']);
        git(dir, ['config', 'core.autocrlf', 'true']);
      },
    ],
  ] as const) {
    it(`does not mind the workspace's .git being ${what}`, async () => {
      using folder = temporaryFolder();
      const { workdir, capture, repo } = await started(folder.path, BASE);
      spoil(workdir);
      writeFiles(workdir, { 'a.txt': 'agent\r\n' });
      const { headTree } = await capture();
      assert.equal(contents(repo, headTree)['a.txt'], '100644 agent\r\n');
    });
  }

  it('leaves out repositories inside the workspace, with commits or without', async () => {
    using folder = temporaryFolder();
    const { workdir, capture, baseTree, repo } = await started(folder.path, BASE);
    for (const name of ['with', 'without']) {
      writeFiles(workdir, { [`${name}/x.txt`]: 'x\n' });
      git(path.join(workdir, name), ['init', '--quiet']);
    }
    git(path.join(workdir, 'with'), ['add', '.']);
    git(path.join(workdir, 'with'), ['commit', '--quiet', '-m', 'x']);
    assert.deepEqual(await capture(), { headTree: baseTree });
    writeFiles(workdir, { 'b.txt': 'b\n' });
    const { headTree } = await capture();
    assert.deepEqual(
      Object.keys(listing(repo, headTree)).sort(),
      [...Object.keys(listing(repo, baseTree)), 'b.txt'].sort(),
    );
  });

  it('keeps the base’s submodules as they are', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone, url } = makeClone(folder.path, { 'a.txt': 'a\n' });
    const entry = `160000 ${'1'.repeat(40)}`;
    for (const name of ['kept', 'removed', 'filled']) {
      git(clone, ['update-index', '--add', '--cacheinfo', `${entry.replace(' ', ',')},sub/${name}`]);
    }
    git(clone, ['commit', '--quiet', '-m', 'submodules']);
    const commit = git(clone, ['rev-parse', 'HEAD']);
    const { baseTree } = await prepareSource(deps, { taskId: 't1', source: { url, commit, overlay: [] } });
    const sandbox = directorySandbox(folder.path);
    await checkoutInto(sandbox, { taskId: 't1', bundle: await startBundle(deps, 't1'), branch: 'main' });
    const { workdir } = sandbox;
    rmSync(path.join(workdir, 'sub/removed'), { recursive: true });
    writeFiles(workdir, { 'sub/filled/x.txt': 'x', 'nested/x.txt': 'x', 'a.txt': 'changed\n' });
    for (const name of ['sub/filled', 'nested']) {
      git(path.join(workdir, name), ['init', '--quiet']);
      git(path.join(workdir, name), ['add', '.']);
      git(path.join(workdir, name), ['commit', '--quiet', '-m', 'x']);
    }
    const { headTree } = await captureProposal(deps, sandbox, { taskId: 't1', previousTree: baseTree });
    const repo = path.join(deps.reposDir, 't1.git');
    const base = listing(repo, baseTree);
    const head = listing(repo, headTree);
    assert.deepEqual({ ...head, 'a.txt': '' }, { ...base, 'a.txt': '' });
    assert.notEqual(head['a.txt'], base['a.txt']);
  });

  it('goes on after a capture that was killed with the index locked, once nothing else runs', async () => {
    using folder = temporaryFolder();
    const { workdir, sandbox, capture, repo } = await started(folder.path, BASE);
    writeFileSync(path.join(sandbox.scratchdir, 'capture.git/index.lock'), 'half an index');
    writeFiles(workdir, { 'a.txt': 'agent\n' });
    const { headTree } = await capture();
    assert.equal(contents(repo, headTree)['a.txt'], '100644 agent\n');
    assert.deepEqual(sandbox.killed, ['checkout:', 'capture:']);
  });

  it('fails rather than answer with an old tree when Git cannot write', async () => {
    using folder = temporaryFolder();
    const { workdir, sandbox, capture } = await started(folder.path, BASE);
    writeFiles(workdir, { 'a.txt': 'agent\n' });
    writeFiles(sandbox.scratchdir, { 'capture.git/index': 'broken' });
    await assert.rejects(
      capture(),
      (error) => error instanceof AppError && error.code === 'sandbox_unavailable',
    );
  });
});
