import assert from 'node:assert/strict';
import path from 'node:path';
import { AppError } from '../../../server/errors.ts';
import { messageWithTrailer } from '../../../server/repo/commits.ts';
import { planPush, uncommittedWork } from '../../../server/repo/pushed-tree.ts';
import { prepareSource } from '../../../server/repo/source.ts';
import {
  commitAll,
  contents,
  type Files,
  git,
  makeClone,
  repoDeps,
  temporaryFolder,
  writeFiles,
} from './repositories.ts';

/** A task that began with `overlay` over `committed`, and whose accepted tree is that with `accepted` laid over it. */
async function taskOf(
  folder: string,
  committed: Files,
  overlay: Record<string, string | null>,
  accepted: Files,
) {
  const deps = repoDeps(folder);
  const { clone, commit, url } = makeClone(folder, committed);
  const entries = Object.entries(overlay).map(([name, text]) => ({
    path: name,
    mode: '100644' as const,
    content: text === null ? null : Buffer.from(text).toString('base64'),
  }));
  const taskId = 'task-1';
  const prepared = await prepareSource(deps, { taskId, source: { url, commit, overlay: entries } });
  writeFiles(clone, overlay);
  writeFiles(clone, accepted);
  const repo = path.join(deps.reposDir, `${taskId}.git`);
  const acceptedTree = git(clone, ['rev-parse', `${commitAll(clone, 'accepted')}^{tree}`]);
  git(repo, ['fetch', '--quiet', clone, 'HEAD:refs/test/accepted']);
  return {
    deps,
    repo,
    baseTree: git(clone, ['rev-parse', `${commit}^{tree}`]),
    request: { taskId, prepared, acceptedTree },
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, `expected an AppError, got ${error}`);
  return error.code;
}

const LINES = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
const lines = (change: Record<number, string> = {}): string =>
  LINES.map((line, index) => `${change[index + 1] ?? line}\n`).join('');

describe('what is pushed for an accepted tree', () => {
  it('is that tree, where nothing was uncommitted', async () => {
    using folder = temporaryFolder();
    const { deps, baseTree, request } = await taskOf(folder.path, { a: 'a\n' }, {}, { a: 'b\n' });
    const { prepared, acceptedTree } = request;
    const plan = { baseCommit: prepared.baseCommit, baseTree, pushedTree: acceptedTree };
    for (const uncommitted of ['leave-out', 'include'] as const)
      assert.deepEqual(await planPush(deps, { ...request, uncommitted }), plan);
    assert.deepEqual(await uncommittedWork(deps, request), { files: 0, conflicts: [] });
  });

  it('is without uncommitted lines, files, deletions and modes, and with all that was accepted', async () => {
    using folder = temporaryFolder();
    const { deps, repo, baseTree, request } = await taskOf(
      folder.path,
      { 'text.txt': lines(), 'deleted.txt': 'd\n', 'untouched.txt': 'u\n' },
      { 'text.txt': lines({ 1: 'mine' }), 'deleted.txt': null, 'mine.txt': 'm\n' },
      { 'text.txt': lines({ 1: 'mine', 9: 'agent' }), 'agent.sh': { exec: 'a\n' }, 'untouched.txt': null },
    );
    const plan = await planPush(deps, { ...request, uncommitted: 'leave-out' });
    const { 'untouched.txt': _deleted, ...kept } = contents(repo, baseTree);
    assert.deepEqual(contents(repo, plan.pushedTree), {
      ...kept,
      'text.txt': `100644 ${lines({ 9: 'agent' })}`,
      'agent.sh': '100755 a\n',
    });
  });

  it('is both, one after the other, where the uncommitted work is included', async () => {
    using folder = temporaryFolder();
    const { deps, baseTree, request } = await taskOf(
      folder.path,
      { a: 'a\n' },
      { b: 'b\n' },
      { b: 'b\nc\n' },
    );
    const { prepared, acceptedTree } = request;
    assert.deepEqual(await planPush(deps, { ...request, uncommitted: 'include' }), {
      baseCommit: prepared.baseCommit,
      baseTree,
      uncommittedTree: prepared.baseTree,
      pushedTree: acceptedTree,
    });
  });

  it('is nothing where one builds on the other, and says in which files', async () => {
    using folder = temporaryFolder();
    const { deps, request } = await taskOf(
      folder.path,
      { 'text.txt': lines(), 'b.txt': 'b\n' },
      { 'text.txt': lines({ 5: 'mine' }), 'new.txt': 'n\n', 'b.txt': null },
      { 'text.txt': lines({ 5: 'mine and the agent’s' }), 'new.txt': 'n\nagent\n' },
    );
    const planned = planPush(deps, { ...request, uncommitted: 'leave-out' });
    assert.equal(await codeOf(planned), 'uncommitted_conflict');
    await assert.rejects(planned, /"new\.txt", "text\.txt"/);
    assert.deepEqual(await uncommittedWork(deps, request), { files: 3, conflicts: ['new.txt', 'text.txt'] });
  });

  it('is nothing where nothing, or only what takes uncommitted work back, was accepted', async () => {
    using folder = temporaryFolder();
    const { deps, request } = await taskOf(folder.path, { a: 'a\n' }, { a: 'mine\n' }, { a: 'a\n' });
    assert.equal(await codeOf(planPush(deps, { ...request, uncommitted: 'leave-out' })), 'nothing_accepted');
    const none = { ...request, acceptedTree: request.prepared.baseTree };
    assert.equal(await codeOf(planPush(deps, { ...none, uncommitted: 'include' })), 'nothing_accepted');
  });
});

describe('a commit’s message', () => {
  const trailer = 'Assisted-by: Handoff (model)';
  for (const [what, body, expected] of [
    ['behind a title alone', '', ''],
    ['behind a body', 'Why.\n\n- one\n- two\n', 'Why.\n\n- one\n- two\n\n'],
    [
      'in the block of trailers',
      'Why.\n\nFixes: #1\nSigned-off-by: A <a@b>',
      'Why.\n\nFixes: #1\nSigned-off-by: A <a@b>\n',
    ],
    ['behind lines that look like comments', 'Why.\n\n# A heading\n#42', 'Why.\n\n# A heading\n#42\n\n'],
    ['behind a line of dashes', 'Above.\n---\nBelow.', 'Above.\n---\nBelow.\n\n'],
    [
      'behind a word with a colon',
      'Note: this is a sentence\nof two lines.',
      'Note: this is a sentence\nof two lines.\n\n',
    ],
  ] as const) {
    it(`has the trailer once, at its end, ${what}`, async () => {
      using folder = temporaryFolder();
      const deps = repoDeps(folder.path);
      const once = await messageWithTrailer(deps.git, { title: 'Title', body, trailer });
      assert.equal(once, `Title\n\n${expected}${trailer}\n`);
      const again = await messageWithTrailer(deps.git, {
        title: 'Title',
        body: once.slice('Title\n\n'.length),
        trailer,
      });
      assert.equal(again, once);
    });
  }

  it('cannot carry a NUL', async () => {
    using folder = temporaryFolder();
    const { git: run } = repoDeps(folder.path);
    assert.equal(await codeOf(messageWithTrailer(run, { title: 'a', body: 'b\0c', trailer })), 'bad_request');
  });
});
