import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '../../../server/errors.ts';
import { commitPlan } from '../../../server/repo/commits.ts';
import { pushCommit } from '../../../server/repo/publish.ts';
import { commitAll, git, makeProposal, temporaryFolder, writeFiles } from './repositories.ts';

const AT = 1_750_000_000_123;
const ADA = { name: 'Ada L. Ünäl', email: 'ada@example.com' };

async function code(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, `expected an AppError, got ${error}`);
  return error.code;
}

/** A task whose whole proposal is accepted and committed, and an empty-handed bare remote with the base's history. */
async function committed(folder: string) {
  const task = await makeProposal(folder, { 'a.txt': 'a\n' }, { 'a.txt': 'accepted\n' });
  const remote = path.join(folder, 'remote.git');
  git(folder, ['init', '--quiet', '--bare', '-b', 'main', remote]);
  git(task.clone, ['push', '--quiet', remote, `${task.baseCommit}:refs/heads/main`]);
  const { deps, taskId, headTree: pushedTree, baseCommit, baseTree } = task;
  const commitTo = (message: string, tree = pushedTree) =>
    commitPlan(deps, {
      taskId,
      plan: { baseCommit, baseTree, pushedTree: tree },
      author: ADA,
      message,
      at: AT,
    });
  const { commit } = await commitTo('Do it');
  const push = (change: Partial<Parameters<typeof pushCommit>[1]> = {}) =>
    pushCommit(deps, {
      taskId,
      commit,
      pushedTree,
      baseCommit,
      remote: pathToFileURL(remote).href,
      branch: 'handoff/work',
      token: 'gho_canary',
      ...change,
    });
  const tip = (branch = 'handoff/work') =>
    git(remote, ['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]);
  return { ...task, remote, pushedTree, commit, commitTo, push, tip };
}

describe('commit of what was accepted', () => {
  it('is by the person, on the commit they were on, and the same each time', async () => {
    using folder = temporaryFolder();
    const { repo, commit, commitTo, pushedTree, baseCommit } = await committed(folder.path);
    assert.equal(
      git(repo, ['cat-file', 'commit', commit]),
      [
        `tree ${pushedTree}`,
        `parent ${baseCommit}`,
        'author Ada L. Ünäl <ada@example.com> 1750000000 +0000',
        'committer Ada L. Ünäl <ada@example.com> 1750000000 +0000',
        '',
        'Do it',
      ].join('\n'),
    );
    assert.deepEqual(await commitTo('Do it'), { commit });
    assert.equal(git(repo, ['fsck', '--strict', '--no-dangling']), '');
  });

  it('is whole after the relay was killed in the middle of writing it', async () => {
    using folder = temporaryFolder();
    const { deps, repo, taskId, pushedTree, baseCommit, baseTree } = await committed(folder.path);
    const plan = { baseCommit, baseTree, pushedTree };
    const input = { taskId, plan, author: ADA, message: 'Killed', at: AT };
    const program = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const cutOff = (file, data) => {
        fs.writeFileSync(file, data.slice(0, data.length / 2));
        process.kill(process.pid, 'SIGKILL');
      };
      fs.promises.writeFile = cutOff;
      fs.writeFile = cutOff;
      syncBuiltinESMExports();
      const { commitPlan } = await import(${JSON.stringify(import.meta.resolve('../../../server/repo/commits.ts'))});
      const [, reposDir, input] = process.argv;
      await commitPlan({ reposDir }, JSON.parse(input));`;
    const argv = [
      '--input-type=module-typescript',
      '-e',
      program,
      '--',
      deps.reposDir,
      JSON.stringify(input),
    ];
    assert.equal(spawnSync(process.execPath, argv).signal, 'SIGKILL');
    const { commit } = await commitPlan(deps, input);
    assert.equal(git(repo, ['log', '-1', '--format=%s %T', commit]), `Killed ${pushedTree}`);
  });

  it('keeps a message of several lines, and refuses a tree that is none', async () => {
    using folder = temporaryFolder();
    const { repo, commitTo } = await committed(folder.path);
    const { commit } = await commitTo('Title\n\n# no comment\n\nCo-authored-by: x <x@y>\n\n');
    assert.equal(
      git(repo, ['log', '-1', '--format=%B', commit]),
      'Title\n\n# no comment\n\nCo-authored-by: x <x@y>',
    );
    assert.equal(await code(commitTo('x', '--help')), 'bad_request');
  });
});

describe('push', () => {
  it('puts that one commit on the branch, from a repository without history', async () => {
    using folder = temporaryFolder();
    const { push, tip, commit, remote } = await committed(folder.path);
    await push();
    assert.equal(tip(), commit);
    assert.equal(git(remote, ['rev-list', '--count', 'main..handoff/work']), '1');
    assert.equal(git(remote, ['fsck', '--strict', '--no-dangling']), '');
  });

  it('is done when it is repeated', async () => {
    using folder = temporaryFolder();
    const { push, tip, commit } = await committed(folder.path);
    await push();
    await push();
    assert.equal(tip(), commit);
  });

  it('works after the remote’s branches have moved on', async () => {
    using folder = temporaryFolder();
    const { push, tip, commit, clone, remote, baseCommit } = await committed(folder.path);
    git(clone, ['reset', '--quiet', '--hard', baseCommit]);
    writeFiles(clone, { 'other.txt': 'by somebody else\n' });
    git(clone, ['push', '--quiet', remote, `${commitAll(clone, 'moved on')}:refs/heads/main`]);
    await push();
    assert.equal(tip(), commit);
    assert.equal(git(remote, ['rev-parse', '--is-shallow-repository']), 'false');
  });

  it('replaces an earlier commit of the same task, but nobody else’s', async () => {
    using folder = temporaryFolder();
    const { push, tip, commitTo, clone, remote } = await committed(folder.path);
    await push();
    const { commit: second } = await commitTo('Do it again');
    await push({ commit: second });
    assert.equal(tip(), second);
    writeFiles(clone, { 'a.txt': 'by somebody else\n' });
    git(clone, [
      'push',
      '--quiet',
      '--force',
      remote,
      `${commitAll(clone, 'theirs')}:refs/heads/handoff/work`,
    ]);
    const theirs = tip();
    const { commit: third } = await commitTo('And again');
    assert.equal(await code(push({ commit: third })), 'push_rejected');
    assert.equal(tip(), theirs);
  });

  it('moves a branch forward that is where the work began', async () => {
    using folder = temporaryFolder();
    const { push, tip, commit } = await committed(folder.path);
    await push({ branch: 'main' });
    assert.equal(tip('main'), commit);
  });

  it('brings the history along where the remote does not have it', async () => {
    using folder = temporaryFolder();
    const { push, tip, commit, clone, deps, taskId, baseCommit, baseTree, headTree } = await committed(
      folder.path,
    );
    const empty = path.join(folder.path, 'empty.git');
    git(folder.path, ['init', '--quiet', '--bare', empty]);
    const remote = pathToFileURL(empty).href;
    assert.equal(await code(push({ remote })), 'push_rejected');
    await push({ remote, sourceUrl: pathToFileURL(clone).href });
    assert.equal(git(empty, ['rev-list', '--count', 'handoff/work']), '3');
    assert.equal(git(empty, ['rev-parse', '--is-shallow-repository']), 'false');
    assert.equal(git(empty, ['fsck', '--strict', '--no-dangling']), '');
    assert.equal(tip(), '');
    assert.notEqual(commit, '');
    const plan = { baseCommit, baseTree, uncommittedTree: baseTree, pushedTree: headTree };
    const two = await commitPlan(deps, { taskId, plan, author: ADA, message: 'Two', at: AT });
    await push({ remote, commit: two.commit, branch: 'two', sourceUrl: pathToFileURL(clone).href });
    assert.equal(git(empty, ['rev-list', '--count', 'two']), '4');
  });

  it('refuses a commit that does not have the accepted tree', async () => {
    using folder = temporaryFolder();
    const { push, tip, baseTree } = await committed(folder.path);
    assert.equal(await code(push({ pushedTree: baseTree })), 'tree_not_accepted');
    assert.equal(tip(), '');
  });

  for (const [what, change, expected] of [
    ['a branch that is an option', { branch: '--delete' }, 'bad_request'],
    ['a branch that leaves refs/heads', { branch: '../tags/x' }, 'bad_request'],
    ['a refspec for a branch', { branch: 'x:refs/heads/main' }, 'bad_request'],
    ['a remote with a password', { remote: 'https://u:p@example.com/r' }, 'source_not_allowed'],
    ['a remote that runs programs', { remote: 'ext::sh -c true' }, 'source_not_allowed'],
    ['a remote that is an option', { remote: '--receive-pack=touch /tmp/owned' }, 'source_not_allowed'],
    ['a remote that is not there', { remote: 'file:///nowhere/at/all' }, 'github_unavailable'],
    [
      'a token that would be two headers',
      { remote: 'https://127.0.0.1:9/r', token: 'a\nb' },
      'token_rejected',
    ],
    ['a remote that does not answer', { remote: 'http://127.0.0.1:9/r' }, 'github_unavailable'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      using folder = temporaryFolder();
      const { push } = await committed(folder.path);
      assert.equal(await code(push(change)), expected);
    });
  }
});
