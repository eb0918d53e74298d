import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import path from 'node:path';
import { inspect } from 'node:util';
import { AppError } from '../../../server/errors.ts';
import { listChanges } from '../../../server/repo/changes.ts';
import { commitPlan } from '../../../server/repo/commits.ts';
import { createGit, type Git, GitError, type GitRun } from '../../../server/repo/git.ts';
import { pushCommit } from '../../../server/repo/publish.ts';
import { prepareSource } from '../../../server/repo/source.ts';
import { writeTree } from '../../../server/repo/trees.ts';
import { git as concurrently } from '../../fakes/git.ts';
import { type FakeGitHub, startFakeGitHub } from '../../fakes/github/server.ts';
import {
  commitAll,
  git,
  makeClone,
  repoDeps,
  temporaryFolder,
  writeFiles,
} from '../../unit/repo/repositories.ts';

const TOKEN = 'gho_canary0123456789';
const ADA = { name: 'Ada', email: 'ada@example.com' };
const AUTHORIZATION = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');

describe('over HTTP, with a token', () => {
  let github: FakeGitHub;
  beforeEach(async () => {
    github = await startFakeGitHub({
      users: [
        {
          login: 'sam',
          id: 101,
          name: 'Sam',
          tokens: { [TOKEN]: { scopes: ['repo'] }, reader_canary: { scopes: [], contents: 'read' } },
        },
      ],
      repos: [
        { owner: 'sam', name: 'notes', content: { files: { 'a.md': 'one\n', 'docs/b.md': 'two\n' } } },
        { owner: 'sam', name: 'secret', content: { files: { 'c.md': 'three\n' } }, private: true },
      ],
    });
  });
  afterEach(() => github.close());

  const urlOf = (name: string) => `${github.url}/sam/${name}.git`;

  /** A task on `notes`, with a commit to push. `runs` are all that Git was started with. */
  async function committed(folder: string) {
    const plain = repoDeps(folder);
    const runs: { args: string[]; options: GitRun | undefined }[] = [];
    const recording: Git = (args, options) => {
      runs.push({ args, options });
      return plain.git(args, options);
    };
    const deps = { ...plain, git: recording };
    const commit = await github.git('sam', 'notes', ['rev-parse', 'main']);
    const taskId = 'task-1';
    const source = { url: urlOf('notes'), commit, overlay: [] };
    const { baseCommit, baseTree } = await prepareSource(deps, { taskId, source });
    const repo = path.join(deps.reposDir, `${taskId}.git`);
    const { tree: pushedTree } = await writeTree(plain.git, repo, {
      from: baseTree,
      edits: [{ path: 'a.md', mode: '100644', data: Buffer.from('accepted\n') }],
      refFor: (tree) => `refs/test/${tree}`,
    });
    const plan = { baseCommit, baseTree, pushedTree };
    const input = { taskId, plan, author: ADA, message: 'Do it', at: 0 };
    const made = await commitPlan(deps, input);
    const push = (change: Partial<Parameters<typeof pushCommit>[1]> = {}) =>
      pushCommit(deps, {
        taskId,
        pushedTree,
        baseCommit,
        commit: made.commit,
        remote: urlOf('notes'),
        branch: 'handoff/work',
        token: TOKEN,
        ...change,
      });
    return { deps, taskId, baseTree, pushedTree, commit: made.commit, push, runs, repo };
  }

  const tip = () => github.git('sam', 'notes', ['rev-parse', '--verify', 'refs/heads/handoff/work']);

  async function failure(promise: Promise<unknown>): Promise<AppError> {
    const error = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof AppError, `expected an AppError, got ${inspect(error)}`);
    assert.ok(error.nextAction, 'says what to do');
    const everything = inspect(error, { depth: 20, showHidden: true });
    assert.ok(!everything.includes('canary') && !everything.includes(AUTHORIZATION), everything);
    return error;
  }

  it('fetches a pinned commit and pushes the accepted one, as the person', async () => {
    using folder = temporaryFolder();
    const { deps, taskId, baseTree, pushedTree, commit, push } = await committed(folder.path);
    const changes = await listChanges(deps, taskId, baseTree, pushedTree);
    assert.deepEqual(
      changes.map(({ path: name, status }) => [name, status]),
      [['a.md', 'modified']],
    );
    await push();
    assert.equal(await tip(), commit);
    assert.equal(await github.git('sam', 'notes', ['rev-list', '--count', 'main..handoff/work']), '1');
    const pushes = github.requests.filter(({ path: name }) => name.endsWith('/git-receive-pack'));
    assert.deepEqual(
      pushes.map(({ by, status }) => [by, status]),
      [['sam', 200]],
    );
    await push();
    assert.equal(github.requests.filter(({ path: name }) => name.endsWith('/git-receive-pack')).length, 1);
  });

  it('sends one small pack, also when the branches have moved on', async () => {
    using folder = temporaryFolder();
    const { push, commit } = await committed(folder.path);
    const tree = await github.git('sam', 'notes', ['rev-parse', 'main^{tree}']);
    const moved = await github.git('sam', 'notes', ['commit-tree', tree, '-p', 'main', '-m', 'moved']);
    await github.git('sam', 'notes', ['update-ref', 'refs/heads/main', moved]);
    // The host keeps the pack as it comes.
    await github.git('sam', 'notes', ['config', 'receive.unpackLimit', '1']);
    const packed = async () =>
      Number(/^in-pack: (\d+)/m.exec(await github.git('sam', 'notes', ['count-objects', '-v']))?.[1]);
    const before = await packed();
    await push();
    assert.equal(await tip(), commit);
    assert.equal((await packed()) - before, 3, 'a commit, a tree and a file');
  });

  it('never has the token in argv, in a URL, on disk or in an error', async () => {
    using folder = temporaryFolder();
    const { push, runs } = await committed(folder.path);
    await push();
    await failure(push({ remote: urlOf('nowhere'), branch: 'other' }));
    const argv = runs.flatMap(({ args }) => args).join('\n');
    assert.ok(!argv.includes('canary') && !argv.includes(AUTHORIZATION));
    const search = ['grep', '--no-index', '-q', '-e', 'canary', '-e', AUTHORIZATION, '.'];
    assert.throws(() => git(folder.path, search), { status: 1 }, 'not found in any file');
    assert.ok(!github.requests.some(({ path: name }) => name.includes('canary')));
  });

  for (const [what, change, code] of [
    ['a token that nobody has', { token: 'gho_canary_wrong' }, 'token_rejected'],
    ['a token that may only read', { token: 'reader_canary' }, 'push_rejected'],
    ['a repository that is not there', { name: 'nowhere' }, 'push_rejected'],
  ] as const) {
    it(`says so for ${what}`, async () => {
      using folder = temporaryFolder();
      const { push } = await committed(folder.path);
      const { name = 'notes', ...rest } = { name: undefined, ...change };
      assert.equal((await failure(push({ ...rest, remote: urlOf(name) }))).code, code);
    });
  }

  it('says why a host refuses a branch, in the host’s words', async () => {
    using folder = temporaryFolder();
    const { push } = await committed(folder.path);
    await github.git('sam', 'notes', ['config', 'receive.hideRefs', 'refs/heads/handoff']);
    const error = await failure(push());
    assert.equal(error.code, 'push_rejected');
    assert.match(error.message, /hidden ref/);
  });

  for (const [what, fail] of [
    ['whose connection breaks', () => github.cutNextPush('amid')],
    ['that the host fails to take', () => github.failNextPush(502)],
  ] as const) {
    it(`calls a push ${what} no refusal, though the host answers again at once`, async () => {
      using folder = temporaryFolder();
      const { push, commit } = await committed(folder.path);
      fail();
      assert.equal((await failure(push())).code, 'github_unavailable');
      await push();
      assert.equal(await tip(), commit);
    });
  }

  it('brings unpushed commits along from the person’s clone', async () => {
    using folder = temporaryFolder();
    const deps = repoDeps(folder.path);
    const { clone, url } = makeClone(folder.path, {});
    await concurrently(clone, ['fetch', '--quiet', urlOf('notes'), 'main']);
    git(clone, ['reset', '--quiet', '--hard', 'FETCH_HEAD']);
    writeFiles(clone, { 'unpushed.md': 'mine\n' });
    const commit = commitAll(clone, 'unpushed');
    const taskId = 'task-2';
    const { baseTree } = await prepareSource(deps, { taskId, source: { url, commit, overlay: [] } });
    const plan = { baseCommit: commit, baseTree, pushedTree: baseTree };
    const input = { taskId, plan, author: ADA, message: 'x', at: 0 };
    const made = await commitPlan(deps, input);
    await pushCommit(deps, {
      taskId,
      commit: made.commit,
      baseCommit: commit,
      pushedTree: baseTree,
      remote: urlOf('notes'),
      branch: 'handoff/work',
      token: TOKEN,
      sourceUrl: url,
    });
    assert.equal(await tip(), made.commit);
    assert.equal(await github.git('sam', 'notes', ['rev-list', '--count', 'main..handoff/work']), '2');
  });

  it('tells a private repository that cannot be read from a broken one', async () => {
    using folder = temporaryFolder();
    const commit = await github.git('sam', 'secret', ['rev-parse', 'main']);
    const source = { url: urlOf('secret'), commit, overlay: [] };
    const error = await failure(prepareSource(repoDeps(folder.path), { taskId: 't', source }));
    assert.equal(error.code, 'source_unreadable');
    assert.match(error.nextAction ?? '', /private/);
  });

  it('does not follow a redirect with the token', async () => {
    using folder = temporaryFolder();
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    const moved = createServer((request, response) => {
      response.writeHead(301, { location: `${addressOf(elsewhere)}${request.url}` }).end();
    });
    for (const server of [elsewhere, moved]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    try {
      const { push } = await committed(folder.path);
      const error = await failure(push({ remote: `${addressOf(moved)}/sam/notes.git` }));
      assert.deepEqual([error.code, seen], ['push_rejected', []]);
      assert.match(error.nextAction ?? '', /new address/);
    } finally {
      elsewhere.close();
      moved.close();
    }
  });

  it('strikes the token out of what a host says', async () => {
    using folder = temporaryFolder();
    const run = createGit({ dataDir: folder.path });
    const { repo } = await committed(folder.path);
    const redact = [TOKEN];
    const secret = { origin: 'https://example.com/', name: 'Authorization', value: TOKEN, redact };
    await assert.rejects(run(['cat-file', '-t', TOKEN], { repo, secret }), (error) => {
      assert.ok(error instanceof GitError);
      return error.stderr.includes('***') && !error.stderr.includes(TOKEN);
    });
  });
});

function addressOf(server: ReturnType<typeof createServer>): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return `http://127.0.0.1:${address.port}`;
}
